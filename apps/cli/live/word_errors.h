// Word error rate of a transcript.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace espalier::cli {

// Words in lower case, without punctuation and diacritics: what is compared.
std::vector<std::string> PlainWords(std::string_view text);

struct WordErrors {
  int errors = 0;  // substitutions, deletions and insertions of the cheapest alignment
  int reference_words = 0;
  double rate() const {
    return reference_words > 0 ? static_cast<double>(errors) / reference_words : 0.0;
  }
};
WordErrors CompareWords(const std::vector<std::string>& reference,
                        const std::vector<std::string>& heard);

}  // namespace espalier::cli
