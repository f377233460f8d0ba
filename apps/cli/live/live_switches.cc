#include "apps/cli/live/live_switches.h"

#include <algorithm>
#include <sstream>

namespace espalier::cli {
namespace {

bool Transcribes(const std::string& task) {
  return task == "transcribe" || task == "asr" || task == "<asr>";
}

void AddOnce(const std::string& name, std::vector<std::string>* names) {
  const bool there = std::find(names->begin(), names->end(), name) != names->end();
  if (!name.empty() && !there) names->push_back(name);
}

}  // namespace

LiveSwitches::LiveSwitches(const std::string& language, const std::string& task,
                           const std::string& languages)
    : languages_({language}), tasks_({task, Transcribes(task) ? "translate" : "transcribe"}) {
  std::istringstream list(languages.empty() ? "auto,en" : languages);
  for (std::string name; std::getline(list, name, ',');) AddOnce(name, &languages_);
}

std::string LiveSwitches::task_kind() const {
  return Transcribes(task()) ? "transcribe" : "translate";
}

}  // namespace espalier::cli
