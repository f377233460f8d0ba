// A tokenizer.json, then after a NUL a text: whatever tokenizer is accepted gives the text back.
#include "runtime/text/utf8.h"
#include "runtime/text/whisper_tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = AsText(data, size);
  const size_t end = input.find('\0');
  const auto tokenizer = espalier::ParseWhisperTokenizer(input.substr(0, end), "fuzz");
  if (!tokenizer.ok()) return 0;
  fuzz_input_accepted = true;
  std::string text = " It's 42 \u00e9\u3000\u2028\n\n x";
  if (end != std::string_view::npos) text += espalier::ReplaceInvalidUtf8(input.substr(end + 1));
  const auto ids = (*tokenizer)->Encode(text);
  FUZZ_REQUIRE(ids.ok());
  FUZZ_REQUIRE((*tokenizer)->Decode(*ids) == text);

  std::vector<int> every;
  for (int id = -1; id <= (*tokenizer)->vocabulary_size(); ++id) every.push_back(id);
  FUZZ_REQUIRE(espalier::IsValidUtf8((*tokenizer)->Decode(every)));
  return 0;
}
