#include "apps/cli/output/job_output.h"

#include <utility>

#include "runtime/base/atomic_file.h"

namespace espalier::cli {

JobOutput::JobOutput(const Job& job, const WriterOptions& options, Console* console)
    : console_(console) {
  for (const Output& output : job.outputs) {
    documents_.push_back({.output = output,
                          .writer = MakeWriter(output.format, options),
                          .text = {},
                          .started = false});
  }
}

Status JobOutput::Append(Document* document, const std::string& text) {
  if (!std::exchange(document->started, true)) document->text += document->writer->Start();
  document->text += text;
  if (document->output.path != kStandardOutput) return OkStatus();
  return console_->Write(std::exchange(document->text, {}));
}

Status JobOutput::Add(const Segment& segment) {
  for (Document& document : documents_) {
    ESP_RETURN_IF_ERROR(Append(&document, document.writer->Add(segment)));
  }
  return OkStatus();
}

Status JobOutput::Finish(const Transcript& transcript, std::timed_mutex* writing) {
  std::vector<std::unique_ptr<AtomicFile>> files;
  const std::lock_guard lock(*writing);
  for (Document& document : documents_) {
    ESP_RETURN_IF_ERROR(Append(&document, document.writer->Finish(transcript)));
    if (document.output.path == kStandardOutput) continue;
    ESP_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> file,
                         AtomicFile::Create(document.output.path));
    ESP_RETURN_IF_ERROR(file->Write(document.text));
    files.push_back(std::move(file));
  }
  for (const auto& file : files) ESP_RETURN_IF_ERROR(file->Commit());
  return OkStatus();
}

}  // namespace espalier::cli
