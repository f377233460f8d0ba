// openai-whisper's table: start, end (integer milliseconds), text, separated by tabs.
#include "apps/cli/writers/plain_text.h"
#include "apps/cli/writers/writer.h"

namespace espalier::cli {
namespace {

class TsvWriter final : public Writer {
 public:
  std::string Start() override { return "start\tend\ttext\n"; }

  std::string Add(const Segment& segment) override {
    const std::string text = SingleLine(segment.text);  // holds no tab
    if (text.empty()) return {};
    return std::to_string(segment.start_ms) + "\t" + std::to_string(segment.end_ms) + "\t" + text +
           "\n";
  }
};

}  // namespace

std::unique_ptr<Writer> MakeTsvWriter(const WriterOptions&) {
  return std::make_unique<TsvWriter>();
}

}  // namespace espalier::cli
