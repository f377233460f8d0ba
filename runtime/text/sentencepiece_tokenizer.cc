// The SentencePiece library behind our interface. It may throw (double-array building) and its
// statuses are its own: both end here.
#include "runtime/text/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <exception>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_reader.h"
#include "runtime/text/sentencepiece_check.h"

namespace espalier {
namespace {

constexpr size_t kMaxFileBytes = size_t{64} << 20;  // OWSM's, of 50,000 pieces, is 1 MB

class SentencePieceTokenizer final : public Tokenizer {
 public:
  SentencePieceTokenizer(Vocabulary vocabulary,
                         std::unique_ptr<sentencepiece::SentencePieceProcessor> processor,
                         int unk_id)
      : Tokenizer(std::move(vocabulary)), processor_(std::move(processor)), unk_id_(unk_id) {}

  std::string DecodeBytes(std::span<const int> ids) const override {
    std::vector<std::string_view> pieces;
    for (const int id : ids) {
      if (vocabulary().Contains(id)) pieces.push_back(TokenString(id));
    }
    std::string text;
    try {
      if (!processor_->Decode(pieces, &text).ok()) text.clear();
    } catch (const std::exception&) {
      text.clear();
    }
    return text;
  }

 private:
  Result<std::vector<int>> EncodeChecked(std::string_view text) const override {
    std::vector<std::string> pieces;
    try {
      const sentencepiece::util::Status status = processor_->Encode(text, &pieces);
      if (!status.ok()) return Internal("SentencePiece: " + MessageText(status.ToString()));
    } catch (const std::exception& error) {
      return Internal("SentencePiece: " + MessageText(error.what()));
    }
    std::vector<int> ids;
    ids.reserve(pieces.size());
    for (const std::string& piece : pieces) ids.push_back(Find(piece).value_or(unk_id_));
    return ids;
  }

  const std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  const int unk_id_;
};

Status LoadProcessor(std::string_view model, sentencepiece::SentencePieceProcessor* processor) {
  ESP_RETURN_IF_ERROR(CheckSentencePieceModel(model));
  try {
    const sentencepiece::util::Status status = processor->LoadFromSerializedProto(model);
    if (!status.ok()) return Corrupt("SentencePiece: " + MessageText(status.ToString()));
  } catch (const std::exception& error) {
    return Corrupt("SentencePiece: " + MessageText(error.what()));
  }
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> ParseSentencePieceTokenizer(std::string_view model,
                                                               const std::string& name,
                                                               std::vector<std::string> token_list,
                                                               int unk_id) {
  std::vector<bool> special;
  for (const std::string& token : token_list) {
    if (token.empty()) return Corrupt(name + StrFormat(": token %zu is empty", special.size()));
    special.push_back(token.front() == '<' && token.back() == '>');
  }
  auto vocabulary = Vocabulary::Create(std::move(token_list), std::move(special));
  if (!vocabulary.ok()) return vocabulary.status().WithContext(name);
  if (!vocabulary->Contains(unk_id)) {
    return Corrupt(name + StrFormat(": the unknown token's id %d is outside the token list (%d)",
                                    unk_id, vocabulary->size()));
  }
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  if (const Status status = LoadProcessor(model, processor.get()); !status.ok()) {
    return status.WithContext(name);
  }
  return std::unique_ptr<Tokenizer>(std::make_unique<SentencePieceTokenizer>(
      std::move(*vocabulary), std::move(processor), unk_id));
}

Result<std::unique_ptr<Tokenizer>> LoadSentencePieceTokenizer(const std::string& path,
                                                              std::vector<std::string> token_list,
                                                              int unk_id) {
  ESP_ASSIGN_OR_RETURN(const std::string model, ReadFile(path, kMaxFileBytes));
  return ParseSentencePieceTokenizer(model, path, std::move(token_list), unk_id);
}

}  // namespace espalier
