// What the keys of a running live session switch between.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/status.h"

namespace espalier::cli {

// Language and task of a session. One thread.
class LiveSwitches {
 public:
  // `languages`: what the language key goes through, with commas between; empty: `language`, auto
  // and en. The task key goes between `task` and the other of transcribe and translate.
  LiveSwitches(const std::string& language, const std::string& task, const std::string& languages);

  void NextLanguage() { language_ = (language_ + 1) % languages_.size(); }
  void NextTask() { task_ = (task_ + 1) % tasks_.size(); }
  const std::string& language() const { return languages_[language_]; }
  const std::string& task() const { return tasks_[task_]; }
  // "transcribe" or "translate", whatever the target.
  std::string task_kind() const;

 private:
  std::vector<std::string> languages_, tasks_;
  size_t language_ = 0, task_ = 0;
};

}  // namespace espalier::cli
