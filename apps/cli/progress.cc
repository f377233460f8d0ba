#include "apps/cli/progress.h"

#include <algorithm>
#include <utility>

#include "apps/cli/writers/plain_text.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

constexpr int kBarColumns = 24, kSmallestBar = 6, kSmallestName = 8;

std::string Duration(double seconds) {
  const auto whole = static_cast<long long>(std::clamp(seconds, 0.0, 3.6e6) + 0.5);
  if (whole < 3600) return StrFormat("%lld:%02lld", whole / 60, whole % 60);
  return StrFormat("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

// The start of `name` in at most `columns` columns.
std::string Shortened(const std::string& name, int columns) {
  if (DisplayWidth(name) <= columns) return name;
  std::string start = name;
  while (!start.empty() && DisplayWidth(start) > columns - 1) {
    while ((static_cast<unsigned char>(start.back()) & 0xc0) == 0x80) start.pop_back();
    start.pop_back();  // the lead byte
  }
  return start + "…";
}

}  // namespace

std::string FormatProgress(const ProgressState& state, int columns) {
  std::string tail;
  const double share = state.total_s > 0 ? std::clamp(state.done_s / state.total_s, 0.0, 1.0) : 0.0;
  if (state.total_s > 0) {
    tail = StrFormat(" %3d%%", static_cast<int>(share * 100));
  } else {
    tail = "  " + Duration(state.done_s) + " of audio";
  }
  if (state.done_s > 0) tail += StrFormat("  RTF %.2f", state.elapsed_s / state.done_s);
  if (share > 0) tail += "  ETA " + Duration(state.elapsed_s * (1 - share) / share);
  std::string head;
  if (state.count > 1) head = StrFormat("[%d/%d] ", state.index, state.count);

  const std::string name = SingleLine(state.name);
  // The last column stays free: some terminals wrap when it is written.
  const int room = columns - 1 - DisplayWidth(head) - DisplayWidth(tail);
  const int name_width =
      std::min(DisplayWidth(name), std::max(kSmallestName, room - 3 - kBarColumns));
  const int bar = std::min(kBarColumns, room - name_width - 3);
  if (room < kSmallestName) return Shortened(head + name, std::max(columns - 1, 1));
  if (bar < kSmallestBar || state.total_s <= 0) return head + Shortened(name, room) + tail;
  const auto filled = static_cast<size_t>(share * bar);
  return head + Shortened(name, name_width) + " [" + std::string(filled, '#') +
         std::string(static_cast<size_t>(bar) - filled, '.') + "]" + tail;
}

Progress::Progress(Console* console, ProgressState state)
    : console_(console), state_(std::move(state)) {
  Draw();
}

void Progress::Update(double done_s, double total_s) {
  state_.done_s = done_s;
  state_.total_s = total_s;
  Draw();
}

void Progress::Draw() {
  if (!console_->HasStatusLine()) return;
  state_.elapsed_s = watch_.Seconds();
  console_->ShowStatusLine(FormatProgress(state_, console_->status_columns()));
}

}  // namespace espalier::cli
