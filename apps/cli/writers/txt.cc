// One segment per line.
#include "apps/cli/writers/plain_text.h"
#include "apps/cli/writers/writer.h"

namespace espalier::cli {
namespace {

class TxtWriter final : public Writer {
 public:
  std::string Add(const Segment& segment) override {
    const std::string line = SingleLine(segment.text);
    return line.empty() ? line : line + "\n";
  }
};

}  // namespace

std::unique_ptr<Writer> MakeTxtWriter(const WriterOptions&) {
  return std::make_unique<TxtWriter>();
}

}  // namespace espalier::cli
