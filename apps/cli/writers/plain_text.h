// Text of a model as text of a file: one line, valid UTF-8, nothing that steers a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace espalier::cli {

// Bytes that are not UTF-8 become U+FFFD, control characters a space, runs of blanks one space;
// none at either end.
std::string SingleLine(std::string_view text);

// Columns on a terminal or in a subtitle: 2 for East Asian wide characters, 0 for combining ones.
// `text` is valid UTF-8.
int DisplayWidth(std::string_view text);

// Characters of scripts that put no blanks between words: Han, kana and their punctuation.
bool IsUnspacedScript(int32_t code_point);

// Appends the text of the next segment, with a blank between unless both sides are of an unspaced
// script. Both are trimmed.
void AppendSpoken(std::string_view text, std::string* whole);

// "HH:MM:SS" + separator + "mmm", as subtitles have it. Hours grow beyond two digits.
std::string ClockTime(int64_t ms, char separator);

}  // namespace espalier::cli
