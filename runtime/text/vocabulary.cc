#include "runtime/text/vocabulary.h"

#include "runtime/base/check.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_reader.h"

namespace espalier {

Result<Vocabulary> Vocabulary::Create(std::vector<std::string> tokens, std::vector<bool> special) {
  ESP_DCHECK(tokens.size() == special.size());
  if (tokens.size() > static_cast<size_t>(kMaxVocabularySize)) {
    return Corrupt(StrFormat("%zu tokens, expected at most %d", tokens.size(), kMaxVocabularySize));
  }
  Vocabulary vocabulary;
  vocabulary.tokens_ = std::move(tokens);
  vocabulary.special_ = std::move(special);
  vocabulary.ids_.reserve(vocabulary.tokens_.size());
  for (int id = 0; id < vocabulary.size(); ++id) {
    const std::string& token = vocabulary.tokens_[static_cast<size_t>(id)];
    if (token.empty()) continue;
    const auto [place, fresh] = vocabulary.ids_.emplace(token, id);
    if (!fresh) {
      return Corrupt("token \"" + MessageText(token) +
                     StrFormat("\" has two ids, %d and %d", place->second, id));
    }
  }
  return vocabulary;
}

std::optional<int> Vocabulary::Find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::string_view Vocabulary::TokenString(int id) const {
  return Contains(id) ? std::string_view(tokens_[static_cast<size_t>(id)]) : std::string_view();
}

bool Vocabulary::IsSpecial(int id) const {
  return Contains(id) && special_[static_cast<size_t>(id)];
}

}  // namespace espalier
