// SubRip: number, HH:MM:SS,mmm --> HH:MM:SS,mmm, lines, blank line.
#include "apps/cli/writers/cues.h"
#include "apps/cli/writers/plain_text.h"
#include "apps/cli/writers/writer.h"

namespace espalier::cli {
namespace {

class SrtWriter final : public Writer {
 public:
  explicit SrtWriter(const WriterOptions& options) : options_(options) {}

  std::string Add(const Segment& segment) override {
    std::string text;
    for (const Cue& cue : SegmentCues(segment, options_)) {
      text += std::to_string(++number_) + "\n" + ClockTime(cue.start_ms, ',') + " --> " +
              ClockTime(cue.end_ms, ',') + "\n";
      for (const std::string& line : cue.lines) text += line + "\n";
      text += "\n";
    }
    return text;
  }

 private:
  const WriterOptions options_;
  int number_ = 0;
};

}  // namespace

std::unique_ptr<Writer> MakeSrtWriter(const WriterOptions& options) {
  return std::make_unique<SrtWriter>(options);
}

}  // namespace espalier::cli
