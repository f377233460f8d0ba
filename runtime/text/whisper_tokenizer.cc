// Byte-level BPE as in GPT-2 (encoder.py), read from Hugging Face's tokenizer.json.
#include "runtime/text/whisper_tokenizer.h"

#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_reader.h"
#include "runtime/text/bpe_merges.h"
#include "runtime/text/byte_alphabet.h"
#include "runtime/text/gpt2_words.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr size_t kMaxFileBytes = size_t{64} << 20;  // whisper-large-v3's is 4 MB

class WhisperTokenizer final : public Tokenizer {
 public:
  // bytes[id]: what the token writes, nothing for special ones. byte_ids[b]: the token of byte b.
  WhisperTokenizer(Vocabulary vocabulary, std::vector<std::string> bytes,
                   const std::array<int, 256>& byte_ids, BpeMerges merges)
      : Tokenizer(std::move(vocabulary)),
        bytes_(std::move(bytes)),
        byte_ids_(byte_ids),
        merges_(std::move(merges)) {}

  std::string DecodeBytes(std::span<const int> ids) const override {
    std::string bytes;
    for (const int id : ids) {
      if (vocabulary().Contains(id)) bytes += bytes_[static_cast<size_t>(id)];
    }
    return bytes;
  }

 private:
  Result<std::vector<int>> EncodeChecked(std::string_view text) const override {
    std::vector<int> ids;
    for (const std::string_view word : SplitGpt2Words(text)) {
      std::vector<int> symbols;
      symbols.reserve(word.size());
      for (const char c : word) symbols.push_back(byte_ids_[static_cast<uint8_t>(c)]);
      const std::vector<int> merged = merges_.Apply(std::move(symbols));
      ids.insert(ids.end(), merged.begin(), merged.end());
    }
    return ids;
  }

  const std::vector<std::string> bytes_;
  const std::array<int, 256> byte_ids_;
  const BpeMerges merges_;
};

// The merges of a tokenizer.json: text of both parts one behind the other.
class MergeList {
 public:
  struct Merge {
    std::string_view left, right, both;
  };

  size_t size() const { return places_.size(); }
  Merge operator[](size_t index) const {
    const Place& place = places_[index];
    const auto both =
        std::string_view(text_).substr(place.begin, place.left_size + place.right_size);
    return {both.substr(0, place.left_size), both.substr(place.left_size), both};
  }
  // An element of the list is ["a", "b"] or, in older files, "a b". One that is neither is added as
  // two empty parts.
  void Add(const json& element) {
    std::string_view left, right;
    if (const auto* text = element.get_ptr<const std::string*>()) {
      const size_t space = text->find(' ');
      if (space != std::string::npos) {
        left = std::string_view(*text).substr(0, space);
        right = std::string_view(*text).substr(space + 1);
      }
    } else if (element.is_array() && element.size() == 2 && element[0].is_string() &&
               element[1].is_string()) {
      left = *element[0].get_ptr<const std::string*>();
      right = *element[1].get_ptr<const std::string*>();
    }
    places_.push_back({text_.size(), left.size(), right.size()});
    text_.append(left).append(right);
  }

 private:
  struct Place {
    size_t begin, left_size, right_size;
  };
  std::string text_;
  std::vector<Place> places_;
};

// The long lists of a tokenizer.json, taken while it is parsed.
struct TokenizerLists {
  std::vector<std::pair<std::string, int>> vocabulary;
  json other_tokens = json::object();  // those with something else than an id
  MergeList merges;

  void AddToken(std::string& token, json& id) {
    const auto* number = id.get_ptr<const uint64_t*>();
    if (number != nullptr && *number < uint64_t{kMaxVocabularySize}) {
      vocabulary.emplace_back(std::move(token), static_cast<int>(*number));
    } else {
      other_tokens[token] = std::move(id);
    }
  }
};

// Collects the parts of a tokenizer.json, checking as it goes.
class TokenizerFile {
 public:
  TokenizerFile(const JsonFields& root, TokenizerLists lists)
      : root_(root), lists_(std::move(lists)) {}

  Result<std::unique_ptr<Tokenizer>> Read() {
    ESP_RETURN_IF_ERROR(CheckPipeline());
    ESP_ASSIGN_OR_RETURN(const JsonFields model, root_.Object("model"));
    ESP_RETURN_IF_ERROR(CheckModel(model));
    ESP_RETURN_IF_ERROR(ReadVocabulary(model));
    ESP_RETURN_IF_ERROR(ReadAddedTokens());
    std::vector<std::string> bytes = TokenBytes();
    auto vocabulary = Vocabulary::Create(std::move(tokens_), std::move(special_));
    if (!vocabulary.ok()) return vocabulary.status().WithContext(root_.where());
    std::array<int, 256> byte_ids = {};
    ESP_RETURN_IF_ERROR(FindByteIds(*vocabulary, &byte_ids));
    BpeMerges merges;
    ESP_RETURN_IF_ERROR(ReadMerges(model, *vocabulary, &merges));
    return std::unique_ptr<Tokenizer>(std::make_unique<WhisperTokenizer>(
        std::move(*vocabulary), std::move(bytes), byte_ids, std::move(merges)));
  }

 private:
  static Status NotSupported(const JsonFields& fields, const char* key, const char* expected) {
    return Unsupported(fields.where() + ": " + key + ": expected " + expected);
  }

  // `key` is absent, null or the empty value `ignored`.
  static bool IsOff(const JsonFields& fields, const char* key, const json& ignored) {
    const json* value = fields.Find(key);
    return value == nullptr || *value == ignored;
  }

  Status CheckPipeline() const {
    if (root_.Has("normalizer")) return NotSupported(root_, "normalizer", "none");
    ESP_ASSIGN_OR_RETURN(const JsonFields splitter, root_.Object("pre_tokenizer"));
    std::string type;
    ESP_RETURN_IF_ERROR(splitter.String("type", &type));
    if (type != "ByteLevel") return NotSupported(splitter, "type", "\"ByteLevel\"");
    if (!IsOff(splitter, "add_prefix_space", false)) {
      return NotSupported(splitter, "add_prefix_space", "false");
    }
    if (!IsOff(splitter, "use_regex", true)) return NotSupported(splitter, "use_regex", "true");
    return OkStatus();
  }

  static Status CheckModel(const JsonFields& model) {
    if (!IsOff(model, "type", "BPE")) return NotSupported(model, "type", "\"BPE\"");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!IsOff(model, key, "")) return NotSupported(model, key, "none");
    }
    for (const char* key : {"byte_fallback", "ignore_merges"}) {
      if (!IsOff(model, key, false)) return NotSupported(model, key, "false");
    }
    return OkStatus();
  }

  // Gives `id` to `token`. Errors: kCorrupt, the id has another one.
  Status Place(const JsonFields& fields, int id, const std::string& token, bool special) {
    const auto index = static_cast<size_t>(id);
    if (index >= tokens_.size()) {
      tokens_.resize(index + 1);
      special_.resize(index + 1);
    }
    if (!tokens_[index].empty() && tokens_[index] != token) {
      return fields.Error(StrFormat("id %d", id), "both \"" + MessageText(tokens_[index]) +
                                                      "\" and \"" + MessageText(token) + "\"");
    }
    tokens_[index] = token;
    special_[index] = special;
    return OkStatus();
  }

  Status ReadVocabulary(const JsonFields& model) {
    ESP_ASSIGN_OR_RETURN(const JsonFields vocabulary, model.Object("vocab"));
    ESP_ASSIGN_OR_RETURN(const JsonFields others,
                         JsonFields::Of(lists_.other_tokens, vocabulary.where()));
    for (const auto& [token, value] : lists_.other_tokens.items()) {
      int id = 0;
      ESP_RETURN_IF_ERROR(others.Int(token.c_str(), 0, kMaxVocabularySize - 1, &id));
    }
    std::unordered_set<std::string_view> seen(lists_.vocabulary.size());
    for (const auto& [token, id] : lists_.vocabulary) {
      if (!seen.insert(token).second) {
        return vocabulary.Error("\"" + MessageText(token) + "\"", "occurs twice");
      }
      ESP_RETURN_IF_ERROR(Place(vocabulary, id, token, false));
    }
    return OkStatus();
  }

  Status ReadAddedTokens() {
    const json* added = root_.Find("added_tokens");
    if (added == nullptr) return OkStatus();
    if (!added->is_array()) return root_.Error("added_tokens", "expected a list");
    for (const json& element : *added) {
      ESP_ASSIGN_OR_RETURN(const JsonFields token,
                           JsonFields::Of(element, root_.where() + ": added_tokens"));
      int id = 0;
      std::string content;
      ESP_RETURN_IF_ERROR(token.Int("id", 0, kMaxVocabularySize - 1, &id));
      ESP_RETURN_IF_ERROR(token.String("content", &content));
      ESP_RETURN_IF_ERROR(Place(token, id, content, true));
    }
    return OkStatus();
  }

  // A token with a character outside the alphabet writes itself, as Hugging Face's decoder has it.
  std::vector<std::string> TokenBytes() const {
    std::vector<std::string> bytes(tokens_.size());
    for (size_t id = 0; id < tokens_.size(); ++id) {
      if (!special_[id]) bytes[id] = alphabet_.BytesOf(tokens_[id]).value_or(tokens_[id]);
    }
    return bytes;
  }

  Status FindByteIds(const Vocabulary& vocabulary, std::array<int, 256>* ids) const {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const auto id = vocabulary.Find(alphabet_.CharacterOf(static_cast<uint8_t>(byte)));
      if (!id || vocabulary.IsSpecial(*id)) {
        return root_.Error("vocab", StrFormat("no token for byte 0x%02x", byte));
      }
      (*ids)[byte] = *id;
    }
    return OkStatus();
  }

  Status ReadMerges(const JsonFields& model, const Vocabulary& vocabulary,
                    BpeMerges* merges) const {
    const json* list = model.Find("merges");
    if (list == nullptr || !list->is_array()) return model.Error("merges", "expected a list");
    merges->Reserve(lists_.merges.size());
    for (size_t rank = 0; rank < lists_.merges.size(); ++rank) {
      const auto error = [&](const char* reason) {
        return model.Error(StrFormat("merges: element %zu", rank), reason);
      };
      const MergeList::Merge merge = lists_.merges[rank];
      if (merge.both.empty()) return error("expected two tokens");
      const auto left_id = vocabulary.Find(merge.left);
      const auto right_id = vocabulary.Find(merge.right);
      const auto merged = vocabulary.Find(merge.both);
      if (!left_id || !right_id || !merged) return error("a token is not in vocab");
      if (vocabulary.IsSpecial(*merged)) return error("gives a special token");
      if (!merges->Add(*left_id, *right_id, *merged)) return error("occurs twice");
    }
    return OkStatus();
  }

  const JsonFields& root_;
  const TokenizerLists lists_;
  const ByteAlphabet alphabet_;
  std::vector<std::string> tokens_;
  std::vector<bool> special_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> ParseWhisperTokenizer(std::string_view text,
                                                         const std::string& name) {
  json root;
  TokenizerLists lists;
  const JsonStreamed streamed[] = {
      {"model.vocab", [&](std::string& token, json& id) { lists.AddToken(token, id); }},
      {"model.merges", [&](std::string&, json& merge) { lists.merges.Add(merge); }},
  };
  if (const Status status = ParseJson(text, {}, &root, streamed); !status.ok()) {
    return status.WithContext(name);
  }
  ESP_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Of(root, name));
  return TokenizerFile(fields, std::move(lists)).Read();
}

Result<std::unique_ptr<Tokenizer>> LoadWhisperTokenizer(const std::string& tokenizer_json_path) {
  ESP_ASSIGN_OR_RETURN(const std::string text, ReadFile(tokenizer_json_path, kMaxFileBytes));
  return ParseWhisperTokenizer(text, tokenizer_json_path);
}

}  // namespace espalier
