#include "tests/conformance/backends.h"

#include "runtime/backend/reference/reference_backend.h"

namespace espalier::conformance {

std::vector<Candidate> Candidates() {
  std::vector<Candidate> candidates;
  // Against itself: shows that the suite's expectations are met by anything at all.
  candidates.push_back({"reference", [](std::string*) { return MakeReferenceBackend(); }});
  return candidates;
}

std::vector<Gap> Gaps() { return {}; }

}  // namespace espalier::conformance
