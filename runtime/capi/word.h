// A word as the C interface gives it.
#pragma once

#include <span>

#include "runtime/base/string_format.h"
#include "runtime/capi/espalier.h"
#include "runtime/capi/guard.h"
#include "runtime/session/transcript.h"

namespace espalier::capi {

// Errors: kInvalidArgument (no such word), those of WriteStruct. `words` must outlive *out.
inline Status WriteWord(std::span<const Word> words, int32_t index, esp_word* out) {
  if (index < 0 || static_cast<size_t>(index) >= words.size()) {
    return InvalidArgument(StrFormat("word %d of %zu", index, words.size()));
  }
  const Word& word = words[static_cast<size_t>(index)];
  return WriteStruct(esp_word{.struct_size = 0,
                              .text = word.text.c_str(),
                              .size = word.text.size(),
                              .t0_ms = word.t0_ms,
                              .t1_ms = word.t1_ms,
                              .probability = word.probability},
                     out);
}

}  // namespace espalier::capi
