// OWSM's tokenizer from the bytes of its bpe.model; what tests and fuzzers call.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/tokenizer.h"

namespace espalier {

// As LoadSentencePieceTokenizer; `name` stands for the path in messages.
Result<std::unique_ptr<Tokenizer>> ParseSentencePieceTokenizer(std::string_view model,
                                                               const std::string& name,
                                                               std::vector<std::string> token_list,
                                                               int unk_id);

}  // namespace espalier
