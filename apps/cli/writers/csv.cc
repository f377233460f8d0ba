// whisper.cpp's table: start, end (integer milliseconds), quoted text with quotes doubled.
#include "apps/cli/writers/plain_text.h"
#include "apps/cli/writers/writer.h"

namespace espalier::cli {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

class CsvWriter final : public Writer {
 public:
  std::string Start() override { return "start,end,text\n"; }

  std::string Add(const Segment& segment) override {
    const std::string text = SingleLine(segment.text);
    if (text.empty()) return {};
    return std::to_string(segment.start_ms) + "," + std::to_string(segment.end_ms) + "," +
           Quoted(text) + "\n";
  }
};

}  // namespace

std::unique_ptr<Writer> MakeCsvWriter(const WriterOptions&) {
  return std::make_unique<CsvWriter>();
}

}  // namespace espalier::cli
