// The documents of one job: standard output as segments become final, files whole at the end.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apps/cli/console.h"
#include "apps/cli/output/job.h"
#include "apps/cli/writers/writer.h"

namespace espalier::cli {

class JobOutput {
 public:
  // `console` outlives the object.
  JobOutput(const Job& job, const WriterOptions& options, Console* console);

  // Errors: kUnwritable (standard output).
  Status Add(const Segment& segment);

  // Writes every file under a temporary name, then puts all in place with `writing` held. On an
  // error none is in place that was not before. Errors: kUnwritable.
  Status Finish(const Transcript& transcript, std::timed_mutex* writing);

 private:
  struct Document {
    Output output;
    std::unique_ptr<Writer> writer;
    std::string text;  // not yet written
    bool started = false;
  };
  Status Append(Document* document, const std::string& text);

  Console* console_;
  std::vector<Document> documents_;
};

}  // namespace espalier::cli
