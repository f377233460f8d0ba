// A look at a SentencePiece model before the library gets it: the library ends the process, reads
// out of bounds or throws on some files (error.cc, normalizer.cc), and a model comes from
// strangers.
#pragma once

#include <string_view>

#include "runtime/base/status.h"

namespace espalier {

// `model`: a serialised ModelProto (sentencepiece_model.proto). Errors: kCorrupt (not a ModelProto;
// no pieces, too many, empty, too long, not UTF-8, with a NUL, twice, or a score that is no number;
// not exactly one unknown piece; a normalisation table that cannot be trusted).
Status CheckSentencePieceModel(std::string_view model);

}  // namespace espalier
