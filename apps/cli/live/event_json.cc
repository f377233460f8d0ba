#include "apps/cli/live/event_json.h"

#include "apps/cli/writers/json_values.h"

namespace espalier::cli {
namespace {

void AddText(const LiveEvent& event, nlohmann::ordered_json* json) {
  const bool final = event.type == LiveEventType::kFinal;
  if (final) {
    (*json)["text"] = event.committed;
  } else {
    (*json)["committed"] = event.committed;
    (*json)["tentative"] = event.tentative;
  }
  (*json)["t0"] = Seconds(event.t0_ms);
  (*json)["t1"] = Seconds(event.t1_ms);
  (*json)["revision"] = event.revision;
  (*json)["language"] = event.language;
  (*json)["words"] = WordsJson(event.words);
  if (!final) return;
  (*json)["avg_logprob"] = event.avg_log_prob;
  (*json)["no_speech_prob"] = event.no_speech_prob;
  (*json)["outcome"] = esp_outcome_string(event.outcome);
}

}  // namespace

std::string EventLine(const LiveEvent& event) {
  nlohmann::ordered_json json = {{"type", LiveEventName(event.type)}};
  if (event.utterance_id > 0) json["utterance_id"] = event.utterance_id;
  switch (event.type) {
    case LiveEventType::kPartial:
    case LiveEventType::kFinal:
      AddText(event, &json);
      break;
    case LiveEventType::kSpeechStart:
      json["t0"] = Seconds(event.t0_ms);
      break;
    case LiveEventType::kSpeechEnd:
    case LiveEventType::kSilence:
    case LiveEventType::kEnd:
      json["t1"] = Seconds(event.t1_ms);
      break;
    case LiveEventType::kError:
      json["code"] = StatusCodeName(event.status.code());
      json["message"] = event.status.message();
      break;
  }
  json["input"] = Seconds(event.input_ms);
  json["lag"] = Seconds(event.lag_ms);
  return DumpLine(json);
}

}  // namespace espalier::cli
