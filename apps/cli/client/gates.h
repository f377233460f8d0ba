// Gates of contexts through the C interface.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "apps/cli/client/model.h"
#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

// What a look at them gave. One thread.
class Gates {
 public:
  // samples: the start of a recording. Errors: those of esp_gates_open.
  static Result<std::unique_ptr<Gates>> OfContext(const Model& model,
                                                  std::span<const float> samples,
                                                  const std::string& language,
                                                  const std::string& task,
                                                  const std::stop_token& stop);
  static Result<std::unique_ptr<Gates>> OfAllContexts(const Model& model,
                                                      std::span<const float> samples,
                                                      const std::stop_token& stop);
  ~Gates() { esp_gates_close(gates_); }
  Gates(const Gates&) = delete;
  Gates& operator=(const Gates&) = delete;

  // As the functions of their names in espalier.h; of the first context.
  Result<std::string> Write(esp_gates_format format, const std::string& title) const;
  Status Save(const std::string& path) const;
  Result<esp_gate_worth> Worth(int64_t sample_count) const;
  Result<esp_gate_times> Times(int64_t sample_count, const std::string& cost_table) const;

 private:
  static Result<std::unique_ptr<Gates>> Open(const Model& model, std::span<const float> samples,
                                             esp_gates_options options,
                                             const std::stop_token& stop);
  explicit Gates(esp_gates* gates) : gates_(gates) {}

  esp_gates* gates_;
};

}  // namespace espalier::cli
