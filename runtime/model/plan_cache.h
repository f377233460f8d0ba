// Stages compiled for one backend, kept by what they depend on (design: compiled once per context).
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "runtime/backend/backend.h"
#include "runtime/model/stages.h"

namespace espalier {

// Thread-safe; compiling holds the lock, so that two sessions never compile the same plan twice.
class PlanCache {
 public:
  // `config` and `backend` must outlive the cache. The least recently used plan goes when more than
  // `capacity` are kept; executables in use stay alive through their shared_ptr.
  PlanCache(const ModelConfig* config, std::shared_ptr<const Weights> weights, Backend* backend,
            size_t capacity);

  // Errors: those of BuildStage, Backend::Supports and Backend::Compile.
  Result<std::shared_ptr<Executable>> Get(Stage stage, const StageOptions& options);

  // The plan alone, neither compiled nor kept: for counting its work. Errors: those of BuildStage.
  Result<std::shared_ptr<const Plan>> Build(Stage stage, const StageOptions& options) const;

  size_t size() const;
  int64_t compile_count() const;

 private:
  const ModelConfig* config_;
  std::shared_ptr<const Weights> weights_;
  Backend* backend_;
  size_t capacity_;
  mutable std::mutex mutex_;
  std::list<std::pair<std::string, std::shared_ptr<Executable>>> recent_;  // newest first
  int64_t compile_count_ = 0;
};

}  // namespace espalier
