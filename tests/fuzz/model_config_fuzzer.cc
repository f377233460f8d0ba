// The JSON files of a model folder: one document is OWSM's config.json, three after one another are
// Whisper's config, preprocessor and generation files. A line "---" parts them.
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "runtime/checkpoint/model_config_fields.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using espalier::JsonFields;
using espalier::ModelConfig;
using espalier::Result;

// What the rest of the runtime takes for granted.
void CheckAccepted(const Result<ModelConfig>& config) {
  if (!config.ok()) {
    FUZZ_REQUIRE(config.status().message().find('\n') == std::string::npos);
    return;
  }
  fuzz_input_accepted = true;
  FUZZ_REQUIRE(config->encoder.width > 0 && config->encoder.width % config->encoder.heads == 0);
  FUZZ_REQUIRE(config->decoder.width > 0 && config->decoder.width % config->decoder.heads == 0);
  FUZZ_REQUIRE(config->encoder.layers > 0 && config->decoder.layers > 0);
  FUZZ_REQUIRE(config->frontend.win_length <= config->frontend.n_fft);
  FUZZ_REQUIRE(config->vocabulary_size > 0);
  FUZZ_REQUIRE(config->owsm.has_value() != config->whisper.has_value());
  if (config->owsm) {
    for (const int id : {config->owsm->blank_id, config->owsm->unk_id, config->owsm->na_id,
                         config->owsm->sos_id, config->owsm->eos_id, config->owsm->sop_id,
                         config->owsm->first_time_id, config->owsm->last_time_id}) {
      FUZZ_REQUIRE(id >= 0 && id < config->vocabulary_size);
    }
  } else {
    for (const int id : config->whisper->suppress_ids) {
      FUZZ_REQUIRE(id >= 0 && id < config->vocabulary_size);
    }
    FUZZ_REQUIRE(config->whisper->sot_id < config->vocabulary_size);
    FUZZ_REQUIRE(config->whisper->first_time_id < config->vocabulary_size);
  }
}

// As LoadModelConfig does it; the parts are the files of one family.
Result<ModelConfig> Read(std::span<const std::string_view> parts) {
  constexpr const char* kNames[] = {"config.json", "preprocessor_config.json",
                                    "generation_config.json"};
  std::array<nlohmann::json, 3> json;
  std::vector<JsonFields> fields;
  const size_t count = parts.size() == 1 ? 1 : json.size();
  for (size_t i = 0; i < count; ++i) {
    const std::string_view text = i < parts.size() ? parts[i] : std::string_view();
    ESP_RETURN_IF_ERROR(
        espalier::ParseJson(text, espalier::JsonLimits{}, &json[i]).WithContext(kNames[i]));
    ESP_ASSIGN_OR_RETURN(JsonFields file, JsonFields::Of(json[i], kNames[i]));
    fields.push_back(std::move(file));
  }
  return count == 1 ? espalier::ReadOwsmConfig(fields[0])
                    : espalier::ReadWhisperConfig(fields[0], fields[1], fields[2]);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kSeparator = "\n---\n";
  std::array<std::string_view, 3> parts;
  std::string_view rest = AsText(data, size);
  size_t count = 0;
  for (; count < parts.size(); ++count) {
    const size_t end = count + 1 < parts.size() ? rest.find(kSeparator) : std::string_view::npos;
    parts[count] = rest.substr(0, end);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + kSeparator.size());
  }
  CheckAccepted(Read(std::span(parts).first(count + 1)));
  return 0;
}
