// What an esp_model is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/session/engine.h"

struct esp_model {
  std::shared_ptr<espalier::Engine> engine;
  std::vector<std::string> languages;  // what the C interface gives pointers into
};
