#include "runtime/session/words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "runtime/session/owsm_text.h"
#include "runtime/text/language.h"
#include "runtime/text/utf8.h"

namespace espalier {
namespace {

constexpr std::string_view kSentencePieceBlank = "\u2581";

// A token looks somewhere into its sound.
constexpr int64_t kLongestReachMs = 300;

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

}  // namespace

bool WritesBlanks(const std::string& language) {
  static constexpr std::array<std::string_view, 9> kWithout = {"zh", "ja", "th",  "lo", "my",
                                                               "km", "bo", "yue", "cmn"};
  const std::string code = Iso639_1(language).value_or(language);
  return std::find(kWithout.begin(), kWithout.end(), code) == kWithout.end();
}

bool EndsSentence(const std::string& text) {
  static constexpr std::array<std::string_view, 9> kEnds = {
      ".", "?", "!", "\u3002", "\uFF1F", "\uFF01", "\u2026", "\u0964", "\u061F"};
  static constexpr std::array<std::string_view, 7> kBehind = {" ",      "\"",     "'",     ")",
                                                              "\u201D", "\u2019", "\u00BB"};
  std::string_view rest = text;
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view mark : kBehind) {
      if (!rest.ends_with(mark)) continue;
      rest.remove_suffix(mark.size());
      again = true;
    }
  }
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return rest.ends_with(end); });
}

std::string WordSplitter::Text(std::span<const int> tokens) const {
  return engine_->config().family == ModelFamily::kWhisper ? engine_->tokenizer().Decode(tokens)
                                                           : PlainText(*engine_, tokens);
}

bool WordSplitter::IsBoundary(std::span<const int> tokens, size_t position, bool blanks) const {
  if (position == 0 || position >= tokens.size()) return true;
  if (!blanks) {
    const std::string before = engine_->tokenizer().DecodeBytes(tokens.first(position));
    return IncompleteUtf8Tail(before) == 0;
  }
  if (engine_->config().family == ModelFamily::kOwsm) {
    return engine_->tokenizer().TokenString(tokens[position]).starts_with(kSentencePieceBlank);
  }
  const std::string bytes = engine_->tokenizer().DecodeBytes(tokens.subspan(position, 1));
  return !bytes.empty() && bytes[0] == ' ';
}

std::vector<WordSpan> WordSplitter::Words(std::span<const int> tokens,
                                          const std::string& language) const {
  const bool blanks = WritesBlanks(language);
  std::vector<WordSpan> words;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (words.empty() || IsBoundary(tokens, i, blanks)) {
      words.push_back({static_cast<int>(i), static_cast<int>(i)});
    }
    words.back().end = static_cast<int>(i) + 1;
  }
  return words;
}

int WordSplitter::WholeWords(std::span<const int> tokens, int count,
                             const std::string& language) const {
  const bool blanks = WritesBlanks(language);
  // Behind the hypothesis' last token nothing was seen: the word may go on.
  if (count >= static_cast<int>(tokens.size())) count = static_cast<int>(tokens.size()) - 1;
  while (count > 0 && !IsBoundary(tokens, static_cast<size_t>(count), blanks)) --count;
  return std::max(count, 0);
}

std::vector<TokenTime> TimesAround(std::span<const int64_t> at_ms, int64_t begin_ms,
                                   int64_t end_ms) {
  std::vector<TokenTime> times(at_ms.size());
  for (size_t i = 0; i < at_ms.size(); ++i) {
    const int64_t before = i > 0 ? (at_ms[i - 1] + at_ms[i]) / 2 : begin_ms;
    const int64_t after = i + 1 < at_ms.size() ? (at_ms[i] + at_ms[i + 1]) / 2 : end_ms;
    times[i] = {.begin_ms = std::max(before, at_ms[i] - kLongestReachMs),
                .end_ms = std::min(after, at_ms[i] + kLongestReachMs)};
  }
  return times;
}

std::vector<Word> MakeWords(const WordSplitter& splitter, const std::string& language,
                            std::span<const int> tokens, std::span<const float> log_probs,
                            std::span<const TokenTime> times) {
  std::vector<Word> words;
  for (const WordSpan& span : splitter.Words(tokens, language)) {
    const auto begin = static_cast<size_t>(span.begin), end = static_cast<size_t>(span.end);
    Word word{.text = Trimmed(splitter.Text(tokens.subspan(begin, end - begin))),
              .t0_ms = times[begin].begin_ms,
              .t1_ms = times[end - 1].end_ms};
    double sum = 0;
    for (size_t i = begin; i < end; ++i) sum += double{log_probs[i]};
    word.probability = std::exp(sum / static_cast<double>(end - begin));
    if (!word.text.empty()) words.push_back(std::move(word));
  }
  return words;
}

}  // namespace espalier
