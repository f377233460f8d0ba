// Names of languages: ISO 639-1 ("en"), ISO 639-3 ("eng") and English ("English"), each to the
// codes.
//
// Known: every language with a two-letter code, and those of OWSM and Whisper without one. Case of
// ASCII letters does not matter. The withdrawn codes in, iw, ji, jw and mo are understood.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace espalier {

// "eng" for "en", "eng", "English", "ENGLISH"; "jav" for "jw"; nothing when the name is not known.
std::optional<std::string> Iso639_3(std::string_view name);

// "en" for the same; the three-letter code of a language without a two-letter one ("haw", "yue").
std::optional<std::string> Iso639_1(std::string_view name);

}  // namespace espalier
