#include "apps/cli/live/live_view.h"

#include <algorithm>

#include "apps/cli/live/event_json.h"
#include "apps/cli/writers/plain_text.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

constexpr double kQuietDb = -60, kBarDb = 6;  // a bar for each 6 dB
constexpr int kBars = 10;
constexpr std::chrono::milliseconds kRefreshInterval{100};

bool BeginsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

// The end of `text` that fits into `columns`.
std::string Tail(const std::string& text, int columns) {
  size_t begin = text.size();
  for (size_t at = text.size(); at-- > 0;) {
    if (!BeginsCharacter(text[at])) continue;
    if (DisplayWidth(std::string_view(text).substr(at)) > columns) break;
    begin = at;
  }
  return text.substr(begin);
}

}  // namespace

std::string MeterText(const LiveMeter& meter) {
  const auto bars =
      static_cast<size_t>(std::clamp((meter.level_db - kQuietDb) / kBarDb, 0.0, double{kBars}));
  std::string text = "[" + std::string(bars, '#') + std::string(kBars - bars, ' ') + "]";
  text += StrFormat(" x%.2f lag %.1f s", meter.real_time_factor,
                    static_cast<double>(meter.lag_ms) / 1000);
  if (meter.gates > 0) text += StrFormat(" %d/%d gates closed", meter.closed_gates, meter.gates);
  if (meter.overrun_count > 0) {
    text += StrFormat(" %lld overruns", static_cast<long long>(meter.overrun_count));
  }
  return meter.context.empty() ? text : text + " " + meter.context;
}

std::string StatusText(const LiveMeter& meter, const std::string& committed,
                       const std::string& tentative, int columns) {
  const std::string whole = SingleLine(committed + tentative);
  std::string plain = SingleLine(committed);
  if (!whole.starts_with(plain)) plain.clear();
  const std::string head = MeterText(meter) + " ";
  const int room = std::max(columns - DisplayWidth(head), 0);
  const std::string dim = Tail(whole.substr(plain.size()), room);
  plain = Tail(plain, room - DisplayWidth(dim));
  return head + plain + (dim.empty() ? "" : "\x1b[2m" + dim + "\x1b[0m");
}

Status LiveView::Show(const LiveEvent& event) {
  if (shows_ == LiveShows::kJsonLines) return console_->Write(EventLine(event));
  changed_ = true;
  if (event.type == LiveEventType::kPartial) {
    committed_ = event.committed;
    tentative_ = event.tentative;
  } else if (event.type == LiveEventType::kFinal) {
    committed_.clear();
    tentative_.clear();
    const std::string line = SingleLine(event.committed);
    if (shows_ == LiveShows::kText && !line.empty()) return console_->Write(line + "\n");
  } else if (event.type == LiveEventType::kError) {
    console_->Warning(event.status.message());
  }
  return OkStatus();
}

void LiveView::Refresh(const LiveMeter& meter) {
  if (shows_ == LiveShows::kJsonLines || !console_->HasStatusLine()) return;
  const auto now = std::chrono::steady_clock::now();
  if (!changed_ && now - refreshed_ < kRefreshInterval) return;
  changed_ = false;
  refreshed_ = now;
  console_->ShowStatusLine(
      StatusText(meter, committed_, tentative_, console_->status_columns() - 1));
}

}  // namespace espalier::cli
