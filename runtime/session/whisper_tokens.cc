#include "runtime/session/whisper_tokens.h"

namespace espalier {

WhisperTokenIds WhisperTokenIdsOf(const WhisperConfig& config) {
  return {.sot = config.sot_id,
          .eot = config.eot_id,
          .sot_prev = config.sot_prev_id,
          .no_speech = config.no_speech_id,
          .no_timestamps = config.no_timestamps_id,
          .transcribe = config.multilingual ? config.transcribe_id : -1,
          .translate = config.multilingual ? config.translate_id : -1,
          .first_time = config.first_time_id,
          .max_initial_timestamp_index = config.max_initial_timestamp_index,
          .suppress_ids = config.suppress_ids,
          .begin_suppress_ids = config.begin_suppress_ids};
}

}  // namespace espalier
