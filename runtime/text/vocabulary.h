// The tokens of a model by id and by string.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/status.h"

namespace espalier {

// Largest vocabulary that is accepted; the models have some 50,000 tokens.
inline constexpr int kMaxVocabularySize = 1'000'000;

// Immutable and thread-safe; views live as long as the object.
class Vocabulary {
 public:
  // tokens[id] is what `id` is called; an empty string is an id without a name. special[id]: the
  // token stands for no text of its own; as long as `tokens`. Errors: kCorrupt (a token twice, more
  // than kMaxVocabularySize).
  static Result<Vocabulary> Create(std::vector<std::string> tokens, std::vector<bool> special);

  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;
  Vocabulary(const Vocabulary&) = delete;  // ids_ refers into tokens_
  Vocabulary& operator=(const Vocabulary&) = delete;

  int size() const { return static_cast<int>(tokens_.size()); }
  bool Contains(int id) const { return id >= 0 && id < size(); }
  std::optional<int> Find(std::string_view token) const;
  // Empty for an id outside the vocabulary.
  std::string_view TokenString(int id) const;
  // False for an id outside the vocabulary.
  bool IsSpecial(int id) const;

 private:
  Vocabulary() = default;

  std::vector<std::string> tokens_;
  std::vector<bool> special_;
  std::unordered_map<std::string_view, int> ids_;
};

}  // namespace espalier
