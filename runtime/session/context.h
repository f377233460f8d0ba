// What a window is decoded as: language and task, in a model's own tokens (design: context).
#pragma once

#include <string>

#include "runtime/base/status.h"
#include "runtime/session/engine.h"

namespace espalier {

struct Context {
  std::string language = {};    // as users read it: "en" (ISO 639-1 where there is one, else 639-3)
  std::string task = {};        // "transcribe" or "translate"
  std::string written_in = {};  // language of the text, which a translation changes: "en", "deu"
  int language_id = -1;         // token; -1: an English-only Whisper, which has none
  int task_id = -1;             // token; -1 likewise
  int gate_language = 0;        // rows of the gate predictor's embeddings, 0 where it is not asked
  int gate_task = 0;
  std::string gate_task_name = {};  // in gate files: "transcribe", "translate"; OWSM: "st_deu"
};

// `language`: "en", "eng", "<eng>", "English". `task`: "transcribe" or "asr"; "translate" (into
// English); "st:deu" or "<st_deu>" (OWSM: into German). Errors: kUnsupported naming what the model
// has.
Result<Context> ResolveContext(const Engine& engine, const std::string& language,
                               const std::string& task);

// A predictor's row as contexts name it: "<eng>" and "en" are "en"; "<st_deu>" is "st_deu".
std::string ShownLanguage(const std::string& row);
std::string ShownTask(const std::string& row);

// Token ids of all languages of the model, and the same languages as ResolveContext takes them.
struct LanguageTokens {
  std::vector<int> ids;
  std::vector<std::string> names;
};
LanguageTokens LanguagesOf(const Engine& engine);

}  // namespace espalier
