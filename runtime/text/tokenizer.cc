#include "runtime/text/tokenizer.h"

#include "runtime/base/string_format.h"
#include "runtime/text/utf8.h"

namespace espalier {

Result<std::vector<int>> Tokenizer::Encode(std::string_view text) const {
  if (text.size() > kMaxTextBytes) {
    return InvalidArgument(
        StrFormat("text: %zu bytes, expected at most %zu", text.size(), kMaxTextBytes));
  }
  if (!IsValidUtf8(text)) return InvalidArgument("text: not valid UTF-8");
  return EncodeChecked(text);
}

std::string Tokenizer::Decode(std::span<const int> ids) const {
  return ReplaceInvalidUtf8(DecodeBytes(ids));
}

}  // namespace espalier
