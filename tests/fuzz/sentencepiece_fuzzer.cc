// A SentencePiece model: what is accepted must encode and decode anything.
#include "runtime/text/sentencepiece_tokenizer.h"
#include "runtime/text/utf8.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view model = AsText(data, size);
  const auto tokenizer = espalier::ParseSentencePieceTokenizer(
      model, "fuzz",
      {"<blank>", "<unk>", "<eng>", "\u2581", "a", "b", "\u2581ab", "<0x41>", "<sos>"}, 1);
  if (!tokenizer.ok()) return 0;
  fuzz_input_accepted = true;
  const std::string own = espalier::ReplaceInvalidUtf8(model.substr(0, 300));
  for (const std::string_view text :
       {std::string_view("<eng> ab  ba\u00e4\u3000\uff21\u304c\n"), std::string_view(own)}) {
    const auto ids = (*tokenizer)->Encode(text);
    if (!ids.ok()) continue;
    for (const int id : *ids) FUZZ_REQUIRE(id >= 0 && id < (*tokenizer)->vocabulary_size());
    FUZZ_REQUIRE(espalier::IsValidUtf8((*tokenizer)->Decode(*ids)));
  }
  const std::vector<int> all = {0, 1, 2, 3, 4, 5, 6, 7, 8, -1, 9, 7, 7};
  FUZZ_REQUIRE(espalier::IsValidUtf8((*tokenizer)->Decode(all)));
  return 0;
}
