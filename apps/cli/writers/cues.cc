#include "apps/cli/writers/cues.h"

#include <utf8proc.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "apps/cli/writers/plain_text.h"

namespace espalier::cli {
namespace {

// How good a cut after a unit is. The costs of a partition are in these units.
constexpr double kSentenceCost = 0, kClauseCost = 150, kWordCost = 450;
constexpr double kCueCost = 500;    // another cue, against a worse cut
constexpr double kLineCost = 1e6;   // as few lines as possible
constexpr double kSlackCost = 300;  // an empty line, squared in between

// The smallest piece that is never cut: a word with its punctuation, or one Han or kana character.
struct Unit {
  std::string_view text;
  int width = 0;
  bool space_before = false;
  double cut_cost = kWordCost;  // of a cut after it
};

struct Span {
  size_t begin = 0, end = 0;  // units
};

// Marks that stay with what is before them, also where a script has no spaces.
bool BelongsToTheLeft(utf8proc_int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
      return true;
    default:
      return false;
  }
}

double CutCostAfter(std::string_view unit) {
  for (const std::string_view closing : {"\"", "'", ")", "]", "”", "’", "»", "」", "』"}) {
    if (unit.size() > closing.size() && unit.ends_with(closing)) {
      unit.remove_suffix(closing.size());
    }
  }
  for (const std::string_view mark : {".", "?", "!", "…", "。", "？", "！", "؟", "।", "۔"}) {
    if (unit.ends_with(mark)) return kSentenceCost;
  }
  for (const std::string_view mark : {",", ";", ":", "–", "—", "、", "，", "；", "：", "،"}) {
    if (unit.ends_with(mark)) return kClauseCost;
  }
  return kWordCost;
}

// `text` is a SingleLine and outlives the units.
std::vector<Unit> SplitUnits(std::string_view text) {
  std::vector<Unit> units;
  size_t begin = 0;
  bool space_before = false, joins_next = false;
  const auto close = [&](size_t end) {
    if (end == begin) return;
    const std::string_view piece = text.substr(begin, end - begin);
    units.push_back({piece, DisplayWidth(piece), space_before, CutCostAfter(piece)});
    space_before = false;
    begin = end;
  };
  utf8proc_int32_t previous = ' ';
  for (size_t at = 0; at < text.size();) {
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t size =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(&text[at]),
                         static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    if (c == ' ') {
      close(at);
      begin = at + 1;
      space_before = !units.empty();
    } else if (at > begin && !joins_next && !BelongsToTheLeft(c) &&
               (IsUnspacedScript(c) || IsUnspacedScript(previous))) {
      close(at);
    }
    const auto category = utf8proc_category(c);
    joins_next = category == UTF8PROC_CATEGORY_PS || category == UTF8PROC_CATEGORY_PI;
    if (!BelongsToTheLeft(c)) previous = c;
    at += static_cast<size_t>(std::max<utf8proc_ssize_t>(size, 1));
  }
  close(text.size());
  return units;
}

int AddedWidth(const Unit& unit, bool first) {
  return unit.width + (unit.space_before && !first ? 1 : 0);
}

// Cuts units[span] into pieces at the least cost. `Filler` says how full a growing piece is:
// Filler{}.Add(unit) returns the fill (1: full) or more than 1 when the unit does not fit any more.
template <typename Filler>
std::vector<Span> Partition(const std::vector<Unit>& units, Span span, double piece_cost,
                            const Filler& empty) {
  const size_t count = span.end - span.begin;
  std::vector<double> cost(count + 1, std::numeric_limits<double>::infinity());
  std::vector<size_t> next(count, count);
  cost[count] = 0;
  for (size_t i = count; i-- > 0;) {
    Filler filler = empty;
    for (size_t j = i + 1; j <= count; ++j) {
      const double fill = filler.Add(units[span.begin + j - 1]);
      if (fill > 1 && j > i + 1) break;
      const double slack = std::max(0.0, 1 - fill);
      const double cut = j == count ? 0 : units[span.begin + j - 1].cut_cost;
      const double total = piece_cost + cut + kSlackCost * slack * slack + cost[j];
      if (total < cost[i]) {
        cost[i] = total;
        next[i] = j;
      }
    }
  }
  std::vector<Span> pieces;
  for (size_t i = 0; i < count; i = next[i]) {
    pieces.push_back({span.begin + i, span.begin + next[i]});
  }
  return pieces;
}

struct LineFiller {
  int max_width;
  int width = 0;
  double Add(const Unit& unit) {
    width += AddedWidth(unit, width == 0);
    return static_cast<double>(width) / max_width;
  }
};

struct CueFiller {
  int max_width;
  int max_lines;
  int full_lines = 0;
  int width = 0;  // of the last line
  double Add(const Unit& unit) {
    const int added = AddedWidth(unit, width == 0);
    if (width > 0 && width + added > max_width) {
      ++full_lines;
      width = unit.width;
    } else {
      width += added;
    }
    if (full_lines >= max_lines) return 2;
    return (full_lines + std::min(1.0, static_cast<double>(width) / max_width)) / max_lines;
  }
};

std::string LineText(const std::vector<Unit>& units, Span span) {
  std::string text;
  for (size_t i = span.begin; i < span.end; ++i) {
    if (units[i].space_before && i > span.begin) text += ' ';
    text += units[i].text;
  }
  return text;
}

int64_t WidthOf(const std::vector<Unit>& units, Span span) {
  int64_t width = 0;
  for (size_t i = span.begin; i < span.end; ++i) width += std::max(1, units[i].width);
  return width;
}

size_t BytesOf(const std::vector<Unit>& units, Span span) {
  size_t bytes = 0;
  for (size_t i = span.begin; i < span.end; ++i) bytes += units[i].text.size();
  return bytes;
}

// The word that byte `at` of the text belongs to, blanks not counted; the last one behind its end.
const Word& WordAt(const std::vector<Word>& words, size_t at) {
  for (const Word& word : words) {
    const auto blanks = static_cast<size_t>(std::count(word.text.begin(), word.text.end(), ' '));
    const size_t bytes = word.text.size() - blanks;
    if (at < bytes) return word;
    at -= bytes;
  }
  return words.back();
}

// `span` of a segment's units: its times, without lines.
Cue TimesOf(const Segment& segment, const std::vector<Unit>& units, Span span) {
  const Span before{0, span.begin}, through{0, span.end}, whole{0, units.size()};
  if (!segment.words.empty()) {
    const size_t end = std::max<size_t>(BytesOf(units, through), 1);
    return {.start_ms = WordAt(segment.words, BytesOf(units, before)).t0_ms,
            .end_ms = WordAt(segment.words, end - 1).t1_ms,
            .lines = {}};
  }
  const int64_t total = WidthOf(units, whole), duration = segment.end_ms - segment.start_ms;
  return {.start_ms = segment.start_ms + duration * WidthOf(units, before) / total,
          .end_ms = segment.start_ms + duration * WidthOf(units, through) / total,
          .lines = {}};
}

}  // namespace

std::vector<Cue> SegmentCues(const Segment& segment, const WriterOptions& options) {
  const std::string text = SingleLine(segment.text);
  if (text.empty()) return {};
  const std::vector<Unit> units = SplitUnits(text);
  const Span whole{0, units.size()};
  if (options.max_line_width <= 0) {
    Cue cue = TimesOf(segment, units, whole);
    cue.lines = {text};
    return {cue};
  }
  std::vector<Span> spans = {whole};
  if (options.max_line_count > 0) {
    spans = Partition(
        units, whole, kCueCost,
        CueFiller{.max_width = options.max_line_width, .max_lines = options.max_line_count});
  }
  std::vector<Cue> cues;
  for (const Span span : spans) {
    Cue cue = TimesOf(segment, units, span);
    for (const Span line :
         Partition(units, span, kLineCost, LineFiller{.max_width = options.max_line_width})) {
      cue.lines.push_back(LineText(units, line));
    }
    cues.push_back(std::move(cue));
  }
  return cues;
}

}  // namespace espalier::cli
