#include "apps/cli/live/live_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace espalier::cli {
namespace {

// Of all formats the only one that is written when everything is known.
constexpr char kOneValueFormat[] = "json";

Segment SegmentOf(const LiveEvent& event) {
  return {.start_ms = event.t0_ms,
          .end_ms = event.t1_ms,
          .window_start_ms = event.t0_ms,
          .text = event.committed,
          .language = event.language,
          .avg_log_prob = event.avg_log_prob,
          .no_speech_prob = event.no_speech_prob,
          .outcome = event.outcome,
          .words = event.words};
}

}  // namespace

Result<std::unique_ptr<LiveOutput>> LiveOutput::Open(const Job& job, const WriterOptions& options,
                                                     Console* console) {
  std::unique_ptr<LiveOutput> output(new LiveOutput(console));
  for (const Output& each : job.outputs) {
    Document document{.path = each.path, .writer = MakeWriter(each.format, options)};
    if (each.path != kStandardOutput) {
      document.fd = ::open(each.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
      if (document.fd < 0) return Unwritable(each.path + ": " + std::strerror(errno));
    }
    output->documents_.push_back(std::move(document));
    output->needs_all_ = output->needs_all_ || each.format == kOneValueFormat;
    const Document& added = output->documents_.back();
    ESP_RETURN_IF_ERROR(output->Append(added, added.writer->Start()));
  }
  return output;
}

LiveOutput::~LiveOutput() {
  for (const Document& document : documents_) {
    if (document.fd >= 0) ::close(document.fd);
  }
}

Status LiveOutput::Append(const Document& document, const std::string& text) {
  if (document.fd < 0) return console_->Write(text);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t count = ::write(document.fd, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Unwritable(document.path + ": " + std::strerror(errno));
    rest.remove_prefix(static_cast<size_t>(count));
  }
  return OkStatus();
}

Status LiveOutput::Add(const LiveEvent& event) {
  if (event.type != LiveEventType::kFinal) return OkStatus();
  const Segment segment = SegmentOf(event);
  for (const Document& document : documents_) {
    ESP_RETURN_IF_ERROR(Append(document, document.writer->Add(segment)));
  }
  if (transcript_.language.empty()) transcript_.language = segment.language;
  if (needs_all_) transcript_.segments.push_back(segment);
  return OkStatus();
}

Status LiveOutput::Finish(const std::string& task, const Timings& timings, int64_t duration_ms) {
  transcript_.task = task;
  transcript_.timings = timings;
  transcript_.duration_ms = duration_ms;
  for (const Document& document : documents_) {
    ESP_RETURN_IF_ERROR(Append(document, document.writer->Finish(transcript_)));
  }
  return OkStatus();
}

}  // namespace espalier::cli
