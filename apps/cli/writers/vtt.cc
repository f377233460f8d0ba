// WebVTT: header, then HH:MM:SS.mmm --> HH:MM:SS.mmm, lines, blank line. Text is escaped.
#include "apps/cli/writers/cues.h"
#include "apps/cli/writers/plain_text.h"
#include "apps/cli/writers/writer.h"

namespace espalier::cli {
namespace {

std::string Escaped(const std::string& line) {
  std::string text;
  for (const char c : line) {
    if (c == '&') {
      text += "&amp;";
    } else if (c == '<') {
      text += "&lt;";
    } else if (c == '>') {
      text += "&gt;";
    } else {
      text += c;
    }
  }
  return text;
}

class VttWriter final : public Writer {
 public:
  explicit VttWriter(const WriterOptions& options) : options_(options) {}

  std::string Start() override { return "WEBVTT\n\n"; }

  std::string Add(const Segment& segment) override {
    std::string text;
    for (const Cue& cue : SegmentCues(segment, options_)) {
      text += ClockTime(cue.start_ms, '.') + " --> " + ClockTime(cue.end_ms, '.') + "\n";
      for (const std::string& line : cue.lines) text += Escaped(line) + "\n";
      text += "\n";
    }
    return text;
  }

 private:
  const WriterOptions options_;
};

}  // namespace

std::unique_ptr<Writer> MakeVttWriter(const WriterOptions& options) {
  return std::make_unique<VttWriter>(options);
}

}  // namespace espalier::cli
