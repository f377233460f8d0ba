// What an esp_model is.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/checkpoint/model_files.h"
#include "runtime/session/engine.h"

struct esp_model {
  std::shared_ptr<espalier::Engine> engine;
  espalier::ModelFiles files = espalier::ModelFiles::Given("");
  std::vector<std::string> languages;  // what the C interface gives pointers into
  std::mutex mutex;
  std::string description;  // guarded by mutex; made when it is first asked for
};
