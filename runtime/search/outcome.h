// How a decoding ended. It is data, not an error: the text that there is stays usable.
#pragma once

namespace espalier {

// Never silent (conventions §1.2): every result that a search gives carries one.
enum class DecodeOutcome {
  kComplete,
  kTruncated,   // the length limit was reached before the end token
  kRepetition,  // a loop was cut off
  kNoSpeech,    // nothing was said
  kEmpty,       // the length limits left no hypothesis (spec §10, minlen == maxlen)
};

// "complete", "truncated", "repetition", "no_speech", "empty".
const char* DecodeOutcomeName(DecodeOutcome outcome);

}  // namespace espalier
