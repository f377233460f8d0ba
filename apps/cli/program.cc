#include "apps/cli/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>

#include "apps/cli/options/common_options.h"
#include "apps/cli/verb.h"
#include "apps/cli/version.h"

namespace espalier::cli {

#define ESP_VERB(Name, name, summary) std::unique_ptr<Verb> Make##Name##Verb();
#include "apps/cli/verb_list.inc"
#undef ESP_VERB

const std::vector<VerbEntry>& Verbs() {
  static const auto* const verbs = new std::vector<VerbEntry>{
#define ESP_VERB(Name, name, summary) {name, summary, &Make##Name##Verb},
#include "apps/cli/verb_list.inc"
#undef ESP_VERB
  };
  return *verbs;
}

namespace {

struct ParsedVerb {
  CLI::App* app = nullptr;
  std::unique_ptr<Verb> verb;
  CommonOptions common;
};

int Failed(Console* console, const Status& status) {
  console->Error(status);
  return ExitCode(status.code());
}

int WriteOut(Console* console, const std::string& text) {
  const Status status = console->Write(text);
  return status.ok() ? 0 : Failed(console, status);
}

// The one place that catches what CLI11 throws.
int RunParsed(CLI::App& app, std::vector<ParsedVerb>& verbs, int argc, const char* const* argv,
              Console* console) {
  // Before parsing: an error of parsing is a message too.
  const bool json = std::any_of(argv, argv + argc,
                                [](const char* text) { return std::strcmp(text, "--json") == 0; });
  console->set_json(json);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* shown = &app;
    while (!shown->get_subcommands().empty()) shown = shown->get_subcommands().front();
    return WriteOut(console, shown->help());
  } catch (const CLI::CallForVersion&) {
    return WriteOut(console, std::string("espalier ") + kVersion + "\n");
  } catch (const CLI::ParseError& error) {
    return Failed(console, InvalidArgument(std::string(error.what()) + " (espalier --help)"));
  }
  for (ParsedVerb& parsed : verbs) {
    if (!parsed.app->parsed()) continue;
    parsed.common.ApplyTo(console);
    Interrupts interrupts;
    VerbContext context{*console, interrupts};
    const Result<int> result = parsed.verb->Run(context);
    if (result.ok()) return *result;
    // Which op or token it was at is nobody's concern.
    const bool cancelled = result.status().code() == StatusCode::kCancelled;
    return Failed(console, cancelled ? Cancelled("interrupted") : result.status());
  }
  return Failed(console, InvalidArgument("no verb given (espalier --help)"));
}

}  // namespace

int RunProgram(int argc, const char* const* argv, Console* console) {
  CLI::App app("Espalier decodes speech with OWSM and Whisper models.", "espalier");
  app.set_version_flag("--version", std::string(kVersion), "Print the version and exit");
  app.get_formatter()->label("SUBCOMMAND", "VERB ...");
  app.get_formatter()->label("Subcommands", "Verbs");
  app.footer(
      "espalier VERB --help says more. For instance:\n"
      "  espalier transcribe -m whisper-base -l en talk.wav");
  // An alias or script may set what the user sets again.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.require_subcommand(1);
  std::vector<ParsedVerb> verbs;
  for (const VerbEntry& entry : Verbs()) {
    ParsedVerb parsed;
    parsed.app = app.add_subcommand(std::string(entry.name), std::string(entry.summary));
    parsed.verb = entry.make();
    verbs.push_back(std::move(parsed));
  }
  for (ParsedVerb& parsed : verbs) {  // the vector does not move any more: CLI11 keeps addresses
    parsed.verb->AddOptions(*parsed.app);
    parsed.common.AddTo(*parsed.app);
  }
  return RunParsed(app, verbs, argc, argv, console);
}

}  // namespace espalier::cli
