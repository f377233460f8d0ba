// Runs one op case of the conformance suite on a backend.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/backend/backend.h"
#include "tests/conformance/op_case.h"

namespace espalier {

// A compiled case with its buffers bound and filled.
class BoundCase {
 public:
  // Records a test failure and leaves `state` null when the backend refuses.
  BoundCase(Backend& backend, const conformance::OpCase& op_case);

  ExecutionState* state() const { return state_.get(); }
  const std::vector<int32_t>& lengths() const { return lengths_; }
  // The contents of every external buffer.
  std::vector<std::vector<std::byte>> Read() const;

 private:
  std::vector<int32_t> lengths_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::unique_ptr<ExecutionState> state_;
};

// Every external buffer after one run; empty, and a test failure, when the run fails.
std::vector<std::vector<std::byte>> RunCase(Backend& backend, const conformance::OpCase& op_case);

}  // namespace espalier
