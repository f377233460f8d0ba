#include "runtime/session/context.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

using scripted_whisper::kEnd;

std::shared_ptr<Engine> Open(const std::string& folder) {
  auto engine = Engine::Open({.model_folder = folder, .device = "reference", .threads = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return engine.ok() ? std::move(engine).value() : nullptr;
}

void ExpectLanguage(const Engine& engine, const std::string& name, const std::string& shown,
                    int id) {
  const auto context = ResolveContext(engine, name, "transcribe");
  ASSERT_TRUE(context.ok()) << context.status().message();
  EXPECT_EQ(context->language, shown) << name;
  EXPECT_EQ(context->language_id, id) << name;
}

TEST(ContextTest, WhisperLanguagesByAnyName) {
  const std::string folder = scripted_whisper::WriteFolder({.steps = {{kEnd}}});
  const std::string path = folder + "/generation_config.json";
  nlohmann::json generation = nlohmann::json::parse(std::ifstream(path));
  const int javanese = kEnd - 1;  // any token will do
  generation["lang_to_id"]["<|jw|>"] = javanese;
  std::ofstream(path) << generation;

  const auto engine = Open(folder);
  ASSERT_NE(engine, nullptr);
  for (const char* name : {"en", "eng", "English", "ENGLISH", "<en>"}) {
    ExpectLanguage(*engine, name, "en", kEnd + 2);
  }
  for (const char* name : {"jw", "jv", "jav", "javanese"}) {
    ExpectLanguage(*engine, name, "jw", javanese);
  }
  for (const char* name : {"de", "xx", "", "Klingon"}) {
    EXPECT_EQ(ResolveContext(*engine, name, "transcribe").status().code(), StatusCode::kUnsupported)
        << name;
  }
}

TEST(ContextTest, OwsmLanguagesAndTasksByAnyName) {
  const auto engine = Open("tests/golden/data/model_plain");
  ASSERT_NE(engine, nullptr);
  for (const char* name : {"de", "deu", "<deu>", "German"}) ExpectLanguage(*engine, name, "de", 4);
  const auto translation = ResolveContext(*engine, "deu", "st:ja");
  ASSERT_TRUE(translation.ok()) << translation.status().message();
  EXPECT_EQ(translation->task_id, engine->tokenizer().Find("<st_jpn>"));
  EXPECT_EQ(ResolveContext(*engine, "fra", "asr").status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(ResolveContext(*engine, "deu", "st:deu").status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace espalier
