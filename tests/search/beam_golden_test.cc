// The searches of the reference goldens, replayed from recorded log-probabilities: token ids exact,
// scores within 1e-3 (testdata/README.md says how the recordings were made).
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "runtime/search/beam_search.h"
#include "runtime/search/language_id.h"
#include "tests/search/naive_search.h"

namespace espalier {
namespace {

using Json = nlohmann::json;

constexpr char kFolder[] = "tests/search/testdata/";

struct Recording {
  Json json;
  int vocabulary = 0, steps = 0;
  std::map<std::vector<int>, std::vector<float>> rows;  // prefix -> log-probabilities
  std::vector<std::vector<float>> ctc;                  // (steps, vocabulary)
  OwsmTimeRules rules;
};

Recording Load(const std::string& name) {
  Recording recording;
  std::ifstream text(kFolder + name + ".json");
  recording.json = Json::parse(text);
  std::ifstream file(kFolder + name + ".bin", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size_t at = 0;
  const auto read = [&](void* to, size_t size) {
    ASSERT_LE(at + size, bytes.size());
    std::memcpy(to, bytes.data() + at, size);
    at += size;
  };
  int header[4] = {};
  read(header, sizeof header);
  recording.vocabulary = header[1];
  recording.steps = header[2];
  std::vector<std::vector<int>> prefixes;
  for (int i = 0; i < header[0]; ++i) {
    int node[2] = {};  // parent and token, or -1 and the number of a primer
    read(node, sizeof node);
    if (node[0] < 0) {
      prefixes.push_back(recording.json["primers"][static_cast<size_t>(node[1])]);
    } else {
      prefixes.push_back(prefixes[static_cast<size_t>(node[0])]);
      prefixes.back().push_back(node[1]);
    }
  }
  for (const auto& prefix : prefixes) {
    std::vector<float>& row = recording.rows[prefix];
    row.resize(static_cast<size_t>(recording.vocabulary));
    read(row.data(), row.size() * sizeof(float));
  }
  recording.ctc.resize(static_cast<size_t>(recording.steps));
  for (std::vector<float>& row : recording.ctc) {
    row.resize(static_cast<size_t>(recording.vocabulary));
    read(row.data(), row.size() * sizeof(float));
  }
  recording.rules = {.sos = recording.json["sos"],
                     .eos = recording.json["eos"],
                     .notimestamps = recording.json["notimestamps"],
                     .first_time = recording.json["first_time"],
                     .last_time = recording.json["last_time"]};
  return recording;
}

void Replay(const Recording& recording, const Json& golden) {
  SCOPED_TRACE(golden["name"].get<std::string>());
  const Json& setting = golden["setting"];
  BeamOptions options;
  options.beam_size = setting["beam_size"];
  options.ctc_weight = setting["ctc_weight"];
  options.length_penalty = setting.value("penalty", 0.0);
  options.maxlen_ratio = setting.value("maxlenratio", 0.0);
  options.minlen_ratio = setting.value("minlenratio", 0.0);
  options.normalize_length = setting.value("normalize_length", false);
  FunctionScorer scorer(recording.vocabulary, 8, 448, [&](const std::vector<int>& prefix) {
    const auto row = recording.rows.find(prefix);
    EXPECT_NE(row, recording.rows.end()) << "a prefix that ESPnet never asked about";
    return row == recording.rows.end()
               ? std::vector<float>(static_cast<size_t>(recording.vocabulary), -9.0f)
               : row->second;
  });
  const int candidates = CtcCandidateCount(options.beam_size, recording.vocabulary);
  naive::CtcScorer joint(scorer, {recording.ctc}, candidates, recording.rules.eos);
  const std::vector<int> primer = golden["primer"];
  const auto result = BeamSearch(options.ctc_weight > 0 ? joint : scorer, recording.rules, primer,
                                 recording.steps, options, {});
  ASSERT_TRUE(result.ok()) << result.status().message();
  const Json& nbest = golden["nbest"];
  ASSERT_EQ(result->nbest.size(), nbest.size());
  // Two of the goldens run into the limit: eos follows a token that is none, one step too late.
  const std::vector<int> best = nbest[0]["yseq"];
  const bool truncated = best.size() == primer.size() + static_cast<size_t>(recording.steps) + 1;
  EXPECT_EQ(result->outcome, truncated ? DecodeOutcome::kTruncated : DecodeOutcome::kComplete);
  for (size_t i = 0; i < nbest.size(); ++i) {
    const Hypothesis& hypothesis = result->nbest[i];
    EXPECT_EQ(hypothesis.tokens, nbest[i]["yseq"].get<std::vector<int>>()) << i;
    EXPECT_NEAR(hypothesis.score, nbest[i]["score"], 1e-3) << i;
    const Json& scores = nbest[i]["scores"];
    EXPECT_NEAR(hypothesis.parts.decoder, scores["decoder"], 1e-3) << i;
    EXPECT_NEAR(hypothesis.parts.ctc, scores.value("ctc", 0.0), 1e-3) << i;
    EXPECT_NEAR(hypothesis.parts.length_bonus, scores.value("length_bonus", 0.0), 1e-6) << i;
    EXPECT_EQ(hypothesis.parts.scorefilter, scores.value("scorefilter", 0.0)) << i;
  }
}

class BeamGoldenTest : public testing::TestWithParam<const char*> {};

TEST_P(BeamGoldenTest, FindsEspnetsHypotheses) {
  const Recording recording = Load(GetParam());
  ASSERT_EQ(recording.json["hyps"].size(), 8u);
  for (const Json& golden : recording.json["hyps"]) Replay(recording, golden);
}

TEST_P(BeamGoldenTest, FindsEspnetsLanguage) {
  const Json json = Load(GetParam()).json;
  const std::vector<float> log_probs = json["language_log_probs"];
  // The golden lists the likeliest languages; all of them lie between the lowest and highest id.
  std::set<int> ids;
  for (const Json& entry : json["language_id"]) ids.insert(entry[0].get<int>());
  std::vector<int> all;
  for (int id = *ids.begin(); id <= *ids.rbegin(); ++id) all.push_back(id);
  const auto guess = IdentifyLanguage(log_probs, all);
  ASSERT_TRUE(guess.ok());
  EXPECT_EQ(all[static_cast<size_t>(guess->index)], json["language_id"][0][0].get<int>());
  for (const Json& entry : json["language_id"]) {
    const size_t index = static_cast<size_t>(entry[0].get<int>() - all[0]);
    EXPECT_NEAR(static_cast<double>(guess->probabilities[index]), entry[1].get<double>(), 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, BeamGoldenTest,
                         testing::Values("plain_case0_eng_asr", "v4_case0_deu_asr"));

}  // namespace
}  // namespace espalier
