// The documents of a live session, written as utterances become final.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/cli/client/transcript.h"
#include "apps/cli/console.h"
#include "apps/cli/live/live_event.h"
#include "apps/cli/output/job.h"
#include "apps/cli/writers/writer.h"

namespace espalier::cli {

// Unlike transcribe's, a file is there from the first moment and grows: whatever ends the process,
// what was final is in it. (json is one value and appears at the end.) One thread.
class LiveOutput {
 public:
  // Opens the job's files. Errors: kUnwritable. `console` must outlive the object.
  static Result<std::unique_ptr<LiveOutput>> Open(const Job& job, const WriterOptions& options,
                                                  Console* console);
  ~LiveOutput();
  LiveOutput(const LiveOutput&) = delete;
  LiveOutput& operator=(const LiveOutput&) = delete;

  // Finals only. Errors: kUnwritable.
  Status Add(const LiveEvent& event);
  // Errors: kUnwritable.
  Status Finish(const std::string& task, const Timings& timings, int64_t duration_ms);

 private:
  struct Document {
    std::string path;
    std::unique_ptr<Writer> writer;
    int fd = -1;  // standard output: none
  };
  explicit LiveOutput(Console* console) : console_(console) {}
  Status Append(const Document& document, const std::string& text);

  Console* console_;
  std::vector<Document> documents_;
  Transcript transcript_;
  bool needs_all_ = false;  // else segments are not kept: a session may last for days
};

}  // namespace espalier::cli
