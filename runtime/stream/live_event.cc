#include "runtime/stream/live_event.h"

namespace espalier {

std::string_view LiveEventName(LiveEventType type) {
  switch (type) {
    case LiveEventType::kSpeechStart:
      return "speech_start";
    case LiveEventType::kPartial:
      return "partial";
    case LiveEventType::kFinal:
      return "final";
    case LiveEventType::kSpeechEnd:
      return "speech_end";
    case LiveEventType::kSilence:
      return "silence";
    case LiveEventType::kError:
      return "error";
    case LiveEventType::kEnd:
      return "end";
  }
  return "unknown";
}

}  // namespace espalier
