// Sets of tokens as bits: what the rules of a search let it say next.
//
// Goals: the layout of TopTokensOp::allowed, so that a device can be told as it is. Non-goals: sets
// of their own; a search keeps the words of all its hypotheses in one piece of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace espalier {

// Token t is bit t % 32 of word t / 32. Bits behind the vocabulary mean nothing.
using TokenBits = std::span<int32_t>;

constexpr size_t TokenWordCount(int vocabulary) {
  return (static_cast<size_t>(vocabulary) + 31) / 32;
}

inline bool Contains(std::span<const int32_t> set, int token) {
  return (static_cast<uint32_t>(set[static_cast<size_t>(token) / 32]) >> (token % 32) & 1) != 0;
}

inline void Insert(TokenBits set, int token) {
  set[static_cast<size_t>(token) / 32] |= static_cast<int32_t>(uint32_t{1} << (token % 32));
}

inline void Erase(TokenBits set, int token) {
  set[static_cast<size_t>(token) / 32] &= static_cast<int32_t>(~(uint32_t{1} << (token % 32)));
}

// Takes the tokens of [begin, end) out; nothing if it is empty.
void Erase(TokenBits set, int begin, int end);

// -inf wherever the set has no token. row: (vocabulary) f32.
void Mask(std::span<const int32_t> set, std::span<float> row);

}  // namespace espalier
