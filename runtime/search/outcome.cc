#include "runtime/search/outcome.h"

namespace espalier {

const char* DecodeOutcomeName(DecodeOutcome outcome) {
  switch (outcome) {
    case DecodeOutcome::kComplete:
      return "complete";
    case DecodeOutcome::kTruncated:
      return "truncated";
    case DecodeOutcome::kRepetition:
      return "repetition";
    case DecodeOutcome::kNoSpeech:
      return "no_speech";
    case DecodeOutcome::kEmpty:
      return "empty";
  }
  return "unknown";
}

}  // namespace espalier
