// Transcripts as files: one writer per format, all valid UTF-8 (docs/cli.md has the formats).
//
// Goals: a document grows segment by segment, so that the same code streams to standard output and
// fills files. Non-goals: where the bytes go (output/job_output.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/client/transcript.h"
#include "runtime/base/status.h"

namespace espalier::cli {

struct WriterOptions {
  std::string file = {};         // the input, as the user named it
  std::string model = {};        // its name
  std::string backend = {};      // the device's id
  bool word_timestamps = false;  // segments have words
  int max_line_width = 42;       // columns of a subtitle line; 0: never wrapped
  int max_line_count = 2;        // lines of a cue; 0: any number
};

// One document. Start, then Add per segment, then Finish: the concatenation of what they return is
// the document.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual std::string Start() { return {}; }
  virtual std::string Add(const Segment&) { return {}; }
  virtual std::string Finish(const Transcript&) { return {}; }
};

// All names, in the order of format_list.inc.
const std::vector<std::string>& FormatNames();

bool IsFormat(std::string_view name);

// "txt,srt" or "all" to names, each once, in the order given. Errors: kInvalidArgument.
Result<std::vector<std::string>> ParseFormats(std::string_view text);

// `format` is one of FormatNames().
std::unique_ptr<Writer> MakeWriter(std::string_view format, const WriterOptions& options);

}  // namespace espalier::cli
