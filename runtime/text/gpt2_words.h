// GPT-2's pre-tokenizer: cuts text into the pieces within which byte pairs may merge.
#pragma once

#include <string_view>
#include <vector>

namespace espalier {

// The matches, in order and without gaps, of the expression that GPT-2, Whisper and Hugging Face's
// ByteLevel use (GPT-2, encoder.py):
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Classes are those of the Unicode version that utf8proc was built with. `text` is valid UTF-8; the
// views refer to it.
std::vector<std::string_view> SplitGpt2Words(std::string_view text);

}  // namespace espalier
