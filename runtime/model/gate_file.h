// Gates as files: one mask for everything, or a mask per context, which `--gates FILE` reads back.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/model/gates.h"

namespace espalier {

// The gates of one context. Names as Context has them: "en"; "transcribe", "translate", "asr",
// "st_deu".
struct ContextGates {
  std::string language = {};
  std::string task = {};
  GateMask mask = {};
};

// Gates that are fixed instead of predicted.
struct FixedGates {
  std::optional<GateMask> everywhere;
  std::vector<ContextGates> contexts;

  // Those for everything; else the context's; else those of the language "other" and the task;
  // else null. Valid as long as the object is not changed.
  const GateMask* Find(std::string_view language, std::string_view task) const;
  // In the place of what the same context has, or behind the others.
  void Put(ContextGates gates);
};

// {"encoder":{"modules":["feed_forward_macaron",…],"layers":[[1,1,0,1],…]},"decoder":{…}}
std::string GateMaskToJson(const GateMask& mask);
// {"contexts":[{"language":"en","task":"transcribe","encoder":{…},"decoder":{…}},…]}
std::string ContextGatesToJson(std::span<const ContextGates> contexts);

// Reads either form. Errors: kInvalidArgument when it is not JSON, its modules or layer counts are
// not those of `config`, or a context occurs twice.
Result<FixedGates> LoadGateFile(const std::string& path, const ModelConfig& config);

// A file of the first form. Errors: likewise, and for the second form.
Result<GateMask> LoadGateMask(const std::string& path, const ModelConfig& config);

}  // namespace espalier
