// Which backends the suite runs, and what each is known not to do.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/backend/backend.h"

namespace espalier::conformance {

struct Candidate {
  std::string name;  // letters, digits and _
  // Null when this machine cannot run it; `reason` then says why.
  std::function<std::unique_ptr<Backend>(std::string* reason)> make;
  // In products with weights of these types OpCase::rounding is granted.
  std::vector<DType> rounds_activations = {};
};

// A backend joins the suite by one line here.
std::vector<Candidate> Candidates();

// A gap that is known. One that turns out to be closed fails the suite, so that the list stays
// true.
struct Gap {
  enum class Kind { kUnsupported, kExpectedFailure };
  Kind kind;
  std::string candidate_prefix;
  std::string case_name;
  std::string reason;
  std::optional<DType> storage = {};  // of the weights; any where it is missing
};
std::vector<Gap> Gaps();

}  // namespace espalier::conformance
