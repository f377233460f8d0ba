#include "runtime/session/context.h"

#include <algorithm>
#include <map>
#include <optional>

#include "runtime/text/language.h"

namespace espalier {
namespace {

std::string WithoutBrackets(std::string text) {
  if (text.size() > 2 && text.front() == '<' && text.back() == '>') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

std::string Few(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 8; ++i) text += (i > 0 ? " " : "") + names[i];
  if (names.size() > 8) text += " ... (" + std::to_string(names.size()) + " in all)";
  return text;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "<eng>" for whatever spelling of a language that `languages` has.
Result<std::string> OwsmLanguage(const std::string& text,
                                 const std::vector<std::string>& languages) {
  const std::string literal = "<" + WithoutBrackets(text) + ">";
  if (Contains(languages, literal)) return literal;
  if (const auto code = Iso639_3(text); code && Contains(languages, "<" + *code + ">")) {
    return "<" + *code + ">";
  }
  return Unsupported("language '" + text + "' is not one of this model's: " + Few(languages));
}

Result<std::string> OwsmTask(const std::string& text, const std::vector<std::string>& tasks) {
  std::string wanted = WithoutBrackets(text);
  if (wanted == "transcribe") wanted = "asr";
  if (wanted == "translate") wanted = "st_eng";
  if (wanted.rfind("st:", 0) == 0) wanted[2] = '_';
  if (Contains(tasks, "<" + wanted + ">")) return "<" + wanted + ">";
  if (wanted.rfind("st_", 0) == 0) {
    const auto code = Iso639_3(wanted.substr(3));
    if (code && Contains(tasks, "<st_" + *code + ">")) return "<st_" + *code + ">";
  }
  return Unsupported("task '" + text + "' is not one of this model's: " + Few(tasks));
}

int RowOf(const std::vector<std::string>& rows, const std::string& name) {
  const auto found = std::find(rows.begin(), rows.end(), name);
  return found == rows.end() ? -1 : static_cast<int>(found - rows.begin());
}

// A language may be listed under another of its names than the model's own.
int LanguageRow(const std::vector<std::string>& rows, const std::string& language) {
  const int literal = RowOf(rows, language);
  if (literal >= 0) return literal;
  const auto code = Iso639_3(WithoutBrackets(language));
  const auto same = std::find_if(rows.begin(), rows.end(), [&](const std::string& row) {
    return code && row != kOtherLanguage && Iso639_3(WithoutBrackets(row)) == code;
  });
  if (same != rows.end()) return static_cast<int>(same - rows.begin());
  return !rows.empty() && rows.front() == kOtherLanguage ? 0 : -1;
}

// The rows of the gate predictor's embeddings, where the engine has one that is asked.
Status FindGateRows(const Engine& engine, const std::string& language, const std::string& task,
                    Context* context) {
  context->gate_task_name = WithoutBrackets(task);
  if (engine.FindFixedGates(context->language, context->gate_task_name) != nullptr) {
    return OkStatus();
  }
  if (!engine.config().gate) {
    return Unsupported("the gate file has no gates for " + context->language + ", " +
                       context->gate_task_name + ", and the model has no predictor");
  }
  context->gate_language = LanguageRow(engine.config().gate->languages, language);
  context->gate_task = RowOf(engine.config().gate->tasks, task);
  if (context->gate_language >= 0 && context->gate_task >= 0) return OkStatus();
  return Unsupported("the gate predictor has no " +
                     (context->gate_language < 0 ? "language " + language : "task " + task) +
                     "; use --gates all");
}

std::string Shown(const std::string& language) {
  const std::string code = WithoutBrackets(language);
  return Iso639_1(code).value_or(code);
}

Result<Context> ResolveOwsm(const Engine& engine, const std::string& language_text,
                            const std::string& task_text) {
  const OwsmConfig& owsm = *engine.config().owsm;
  ESP_ASSIGN_OR_RETURN(const std::string language, OwsmLanguage(language_text, owsm.languages));
  ESP_ASSIGN_OR_RETURN(const std::string task, OwsmTask(task_text, owsm.tasks));
  const bool transcribe = task == "<asr>";
  const bool translate = task.starts_with("<st_");
  Context context{.language = Shown(language),
                  .task = transcribe ? "transcribe" : "translate",
                  .written_in = translate ? WithoutBrackets(task).substr(3) : Shown(language),
                  .language_id = engine.tokenizer().Find(language).value_or(-1),
                  .task_id = engine.tokenizer().Find(task).value_or(-1)};
  ESP_RETURN_IF_ERROR(FindGateRows(engine, language, task, &context));
  return context;
}

// Whisper's own code, or any name of the same language: its Javanese is "jw", withdrawn from ISO
// 639.
std::map<std::string, int>::const_iterator FindWhisperLanguage(
    const std::map<std::string, int>& language_ids, const std::string& name) {
  const auto literal = language_ids.find(name);
  const auto code = Iso639_3(name);
  if (literal != language_ids.end() || !code) return literal;
  return std::find_if(language_ids.begin(), language_ids.end(),
                      [&](const auto& entry) { return Iso639_3(entry.first) == code; });
}

Result<Context> ResolveWhisper(const Engine& engine, const std::string& language_text,
                               const std::string& task_text) {
  const WhisperConfig& whisper = *engine.config().whisper;
  const std::string task = WithoutBrackets(task_text);
  const bool transcribe = task == "transcribe" || task == "asr";
  const bool to_english = task == "translate" || task == "st:eng" || task == "st:en";
  if (!transcribe && !(to_english && whisper.multilingual)) {
    return Unsupported("task '" + task_text + "': this Whisper model can transcribe" +
                       (whisper.multilingual ? " and translate into English" : " only"));
  }
  Context context{.task = transcribe ? "transcribe" : "translate"};
  if (!whisper.multilingual) {
    if (Iso639_1(language_text) != "en") {
      return Unsupported("language '" + language_text + "': this Whisper model knows English only");
    }
    context.language = context.written_in = "en";
    ESP_RETURN_IF_ERROR(FindGateRows(engine, context.language, context.task, &context));
    return context;
  }
  const auto found = FindWhisperLanguage(whisper.language_ids, WithoutBrackets(language_text));
  if (found == whisper.language_ids.end()) {
    return Unsupported("language '" + language_text +
                       "' is not one of this model's: " + Few(LanguagesOf(engine).names));
  }
  context.language = found->first;
  context.written_in = transcribe ? found->first : "en";
  context.language_id = found->second;
  context.task_id = transcribe ? whisper.transcribe_id : whisper.translate_id;
  ESP_RETURN_IF_ERROR(FindGateRows(engine, context.language, context.task, &context));
  return context;
}

}  // namespace

Result<Context> ResolveContext(const Engine& engine, const std::string& language,
                               const std::string& task) {
  return engine.config().family == ModelFamily::kOwsm ? ResolveOwsm(engine, language, task)
                                                      : ResolveWhisper(engine, language, task);
}

std::string ShownLanguage(const std::string& row) {
  return row == kOtherLanguage ? row : Shown(row);
}

std::string ShownTask(const std::string& row) { return WithoutBrackets(row); }

LanguageTokens LanguagesOf(const Engine& engine) {
  LanguageTokens tokens;
  if (engine.config().family == ModelFamily::kOwsm) {
    for (const std::string& language : engine.config().owsm->languages) {
      if (const auto id = engine.tokenizer().Find(language)) {
        tokens.ids.push_back(*id);
        tokens.names.push_back(language);
      }
    }
    return tokens;
  }
  for (const auto& [name, id] : engine.config().whisper->language_ids) {
    tokens.ids.push_back(id);
    tokens.names.push_back(name);
  }
  return tokens;
}

}  // namespace espalier
