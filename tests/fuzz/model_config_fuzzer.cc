// The JSON files of a model folder: one document is OWSM's config.json, three after one another are
// Whisper's config, preprocessor and generation files. A line "---" parts them.
#include <array>

#include "runtime/checkpoint/model_config_text.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

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
  (void)espalier::ParseModelType({"config.json", parts[0]});
  if (count == 0) {
    CheckAccepted(espalier::ParseOwsmConfig({"config.json", parts[0]}));
  } else {
    CheckAccepted(
        espalier::ParseWhisperConfig({.config = {"config.json", parts[0]},
                                      .preprocessor = {"preprocessor_config.json", parts[1]},
                                      .generation = {"generation_config.json", parts[2]}}));
  }
  return 0;
}
