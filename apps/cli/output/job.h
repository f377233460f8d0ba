// Which result of which input goes where, decided and checked before any decoding begins.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/options/output_options.h"
#include "runtime/base/status.h"

namespace espalier::cli {

inline constexpr char kStandardOutput[] = "-";

struct Output {
  std::string format;
  std::string path;  // or kStandardOutput
  friend bool operator==(const Output&, const Output&) = default;
};

struct Job {
  std::string input;  // a file or "-"
  std::vector<Output> outputs;
};

// Without -o and --output-dir one format goes to standard output. In a folder, results are called
// after the input: NAME.srt, or NAME.wav.srt and NAME.mp3.srt when two inputs differ in their
// suffix only. Makes the output folder. Errors: kInvalidArgument (options that do not fit the
// inputs, two inputs of the same name, an output that is an input), kUnwritable (a result exists
// and there is no --force, a folder that cannot be written to).
Result<std::vector<Job>> PlanJobs(const std::vector<std::string>& inputs,
                                  const OutputOptions& options);

}  // namespace espalier::cli
