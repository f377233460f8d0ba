#include "runtime/stream/window_past.h"

#include <gtest/gtest.h>

#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

using scripted_whisper::kEnd;

Utterance Said(const Engine& engine, int64_t id, int64_t begin_ms, const std::string& text) {
  Utterance utterance(id, begin_ms);
  std::vector<TimedToken> tokens;
  const std::vector<int> ids = engine.tokenizer().Encode(text).value();
  for (const int token : ids) {
    tokens.push_back({.id = token, .at_ms = begin_ms + 100});
  }
  const auto count = static_cast<int>(tokens.size());
  utterance.Update(std::move(tokens), count);
  return utterance;
}

TEST(WindowPastTest, UtterancesLeaveOldestFirst) {
  auto engine = Engine::Open({.model_folder = scripted_whisper::WriteFolder({.steps = {{kEnd}}}),
                              .device = "reference",
                              .threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  const auto vocabulary = LiveVocabulary::Create(**engine);
  ASSERT_TRUE(vocabulary.ok());
  WindowPast past;
  EXPECT_TRUE(past.empty());
  EXPECT_EQ(past.HeardMs(), -1);
  past.Add(Said(**engine, 1, 500, " q"));
  past.Add(Said(**engine, 2, 2000, " z."));
  EXPECT_EQ(past.begin_ms(), 500);
  EXPECT_EQ(past.HeardMs(), 2100);
  EXPECT_EQ(vocabulary->Text(past.Prefix(*vocabulary, "en")), " q, z.");
  EXPECT_EQ(vocabulary->Text(past.TakeBefore(501)), " q") << "the comma was never said";
  EXPECT_EQ(past.begin_ms(), 2000);
  EXPECT_EQ(vocabulary->Text(past.Prefix(*vocabulary, "en")), " z.");
  past.Clear();
  EXPECT_TRUE(past.empty());
}

}  // namespace
}  // namespace espalier
