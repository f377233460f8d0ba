// Whisper's tokenizer from the text of its tokenizer.json; what tests and fuzzers call.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/status.h"
#include "runtime/text/tokenizer.h"

namespace espalier {

// As LoadWhisperTokenizer; `name` stands for the path in messages.
Result<std::unique_ptr<Tokenizer>> ParseWhisperTokenizer(std::string_view json,
                                                         const std::string& name);

}  // namespace espalier
