// UTF-8 that may be broken or cut: what a model writes token by token, and what strangers' files
// hold. Well-formed is what table 3-7 of the Unicode Standard says: no surrogates, no overlong
// forms, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace espalier {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct Utf8Unit {
  enum class Kind {
    kCharacter,   // a whole, well-formed character
    kIncomplete,  // the text ends within what could still become a character
    kInvalid,     // bytes that can begin no character, whatever follows
  };
  char32_t code_point;  // kReplacementCharacter unless kCharacter
  size_t length;  // bytes, at least 1; of a broken one the longest part that could have begun a
                  // character ("maximal subpart", Unicode 3.9)
  Kind kind;
};

// The unit at the start of `bytes`, which must not be empty.
Utf8Unit ReadUtf8(std::string_view bytes);

bool IsValidUtf8(std::string_view bytes);

// `bytes` with one U+FFFD in place of each unit that is not a character. Always well-formed.
std::string ReplaceInvalidUtf8(std::string_view bytes);

// How many bytes at the end of `bytes`, 0 to 3, begin a character without finishing it. A caller
// that emits text piece by piece holds these back until more bytes are there.
size_t IncompleteUtf8Tail(std::string_view bytes);

// Adds the UTF-8 form of a code point that is not a surrogate.
void AppendUtf8(char32_t code_point, std::string* out);

}  // namespace espalier
