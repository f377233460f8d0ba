// Lyrics: [mm:ss.xx]text, minutes beyond 99 with more digits.
#include <algorithm>

#include "apps/cli/writers/plain_text.h"
#include "apps/cli/writers/writer.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

class LrcWriter final : public Writer {
 public:
  std::string Add(const Segment& segment) override {
    const std::string text = SingleLine(segment.text);
    if (text.empty()) return {};
    const int64_t ms = std::max<int64_t>(segment.start_ms, 0);
    return StrFormat("[%02lld:%02d.%02d]", static_cast<long long>(ms / 60000),
                     static_cast<int>(ms / 1000 % 60), static_cast<int>(ms / 10 % 100)) +
           text + "\n";
  }
};

}  // namespace

std::unique_ptr<Writer> MakeLrcWriter(const WriterOptions&) {
  return std::make_unique<LrcWriter>();
}

}  // namespace espalier::cli
