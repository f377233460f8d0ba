// Text to token ids and back, for both families.
//
// Goals: the ids that training saw; text that is valid UTF-8 whatever the model wrote; files of
// strangers give a Status. Non-goals: prompts (session/), training of vocabularies, other
// pre-tokenizers than Whisper's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/vocabulary.h"

namespace espalier {

// Longest text that Encode takes. Prompts are a few hundred bytes; the bound keeps the work of
// merging, and the library's lattice, small.
inline constexpr size_t kMaxTextBytes = size_t{1} << 20;

// Immutable and thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // One more than the largest id.
  int vocabulary_size() const { return vocabulary_.size(); }

  // Ids of `text`, without any symbol of the prompt. OWSM: symbols written out in the text
  // ("<eng>") are their tokens, unknown runs the unknown id, as in ESPnet (spec §8). Whisper:
  // symbols in the text are ordinary text, so that nobody's prompt can steer the decoder. Errors:
  // kInvalidArgument (not UTF-8, longer than kMaxTextBytes), kInternal (the library).
  Result<std::vector<int>> Encode(std::string_view text) const;

  // Text of `ids`; ids outside the vocabulary give nothing. Always valid UTF-8: bytes that form no
  // character are U+FFFD. OWSM: symbols are written out, a leading space is dropped (spec §8).
  // Whisper: special tokens, times among them, give nothing.
  std::string Decode(std::span<const int> ids) const;

  // The same without the repair: the ids' bytes, which may end within a character (Whisper).
  virtual std::string DecodeBytes(std::span<const int> ids) const = 0;

  std::optional<int> Find(std::string_view token) const { return vocabulary_.Find(token); }
  // The token as the model's files write it ("▁the", "Ġthe"); empty for an id that has no name.
  // Lives as long as the tokenizer.
  std::string_view TokenString(int id) const { return vocabulary_.TokenString(id); }
  // OWSM: the token begins with '<' and ends with '>' (ESPnet's text_nospecial leaves these out).
  // Whisper: the token is one of tokenizer.json's added_tokens: symbols and times.
  bool IsSpecial(int id) const { return vocabulary_.IsSpecial(id); }

 protected:
  explicit Tokenizer(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  // `text` is valid UTF-8 of bounded length.
  virtual Result<std::vector<int>> EncodeChecked(std::string_view text) const = 0;

  Vocabulary vocabulary_;
};

// The SentencePiece model at `path`, with ids as positions in ESPnet's `token_list`: pieces that are
// not in it become `unk_id`. Errors: kNotFound, kCorrupt (the file, the list, the id).
Result<std::unique_ptr<Tokenizer>> LoadSentencePieceTokenizer(const std::string& path,
                                                              std::vector<std::string> token_list,
                                                              int unk_id);

// A Hugging Face tokenizer.json with byte-level BPE (GPT-2, Whisper). Errors: kNotFound, kCorrupt,
// kUnsupported (another model, normalizer or pre-tokenizer).
Result<std::unique_ptr<Tokenizer>> LoadWhisperTokenizer(const std::string& tokenizer_json_path);

}  // namespace espalier
