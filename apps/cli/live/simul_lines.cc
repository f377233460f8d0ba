#include "apps/cli/live/simul_lines.h"

#include <algorithm>

#include "apps/cli/writers/json_values.h"

namespace espalier::cli {

std::string SimulLines::Add(const LiveEvent& event, double now_s) {
  const bool final = event.type == LiveEventType::kFinal;
  if (!final && event.type != LiveEventType::kPartial) return {};
  Said& said = said_[event.utterance_id];
  const size_t first_word = std::min(said.words, event.words.size());
  std::string text = event.committed.substr(std::min(said.bytes, event.committed.size()));
  // Texts of utterances begin without a blank.
  if (said.bytes == 0 && anything_ && !text.empty()) text.insert(0, 1, ' ');
  auto words = nlohmann::ordered_json::array();
  size_t at = 0;
  for (size_t i = first_word; i < event.words.size(); ++i) {
    const Word& word = event.words[i];
    const size_t found = text.find(word.text, at);
    const bool last = i + 1 == event.words.size();
    const size_t end = last || found == std::string::npos ? text.size() : found + word.text.size();
    words.push_back({{"start", Seconds(word.t0_ms)},
                     {"end", Seconds(word.t1_ms)},
                     {"text", text.substr(at, end - at)}});
    at = end;
  }
  said = {.bytes = event.committed.size(), .words = event.words.size()};
  if (final) said_.erase(event.utterance_id);
  if (text.empty() && !final) return {};
  anything_ = anything_ || !text.empty();
  const bool timed = !words.empty();
  return DumpLine(
      {{"start", timed ? words.front()["start"] : nlohmann::ordered_json(Seconds(event.t1_ms))},
       {"end", timed ? words.back()["end"] : nlohmann::ordered_json(Seconds(event.t1_ms))},
       {"text", text},
       {"words", words},
       {"is_final", final},
       {"emission_time", now_s},
       {"emission_time_unaware", Seconds(event.input_ms)}});
}

}  // namespace espalier::cli
