// The normalisation table inside a SentencePiece model: is it safe to walk?
#pragma once

#include <string_view>

#include "runtime/base/status.h"

namespace espalier {

// `charsmap`: NormalizerSpec.precompiled_charsmap, which is the trie's size in bytes (u32, little-
// endian), a Darts double-array trie of u32 units, and the replacements, each ended by a NUL byte.
// The library walks the trie without bounds and keeps the matches of one walk in an array of 32.
// Errors: kCorrupt when any walk would leave the trie, cycle, match more than 32 times or name a
// replacement that is not there, or when a replacement is not UTF-8.
// Sources: sentencepiece normalizer.h, normalizer.cc; darts-clone darts.h (the units' layout).
Status CheckCharsmap(std::string_view charsmap);

}  // namespace espalier
