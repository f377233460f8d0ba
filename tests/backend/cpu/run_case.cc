#include "tests/backend/cpu/run_case.h"

#include <gtest/gtest.h>

namespace espalier {

BoundCase::BoundCase(Backend& backend, const conformance::OpCase& op_case)
    : lengths_(op_case.lengths) {
  std::vector<Buffer*> externals;
  for (const auto& bytes : op_case.contents) {
    auto buffer = backend.Allocate(bytes.size());
    EXPECT_TRUE(buffer.ok()) << buffer.status().message();
    if (!buffer.ok()) return;
    EXPECT_TRUE((*buffer)->Write(0, bytes).ok());
    externals.push_back(buffer->get());
    buffers_.push_back(std::move(buffer).value());
  }
  auto executable = backend.Compile(op_case.plan);
  EXPECT_TRUE(executable.ok()) << executable.status().message();
  if (!executable.ok()) return;
  auto state = (*executable)->Bind(externals);
  EXPECT_TRUE(state.ok()) << state.status().message();
  if (state.ok()) state_ = std::move(state).value();
}

std::vector<std::vector<std::byte>> BoundCase::Read() const {
  std::vector<std::vector<std::byte>> contents;
  for (const auto& buffer : buffers_) {
    contents.emplace_back(buffer->size_bytes());
    EXPECT_TRUE(buffer->Read(0, contents.back()).ok());
  }
  return contents;
}

std::vector<std::vector<std::byte>> RunCase(Backend& backend, const conformance::OpCase& op_case) {
  const BoundCase bound(backend, op_case);
  if (bound.state() == nullptr) return {};
  const Status status = bound.state()->Run(bound.lengths(), {});
  EXPECT_TRUE(status.ok()) << status.message();
  return status.ok() ? bound.Read() : std::vector<std::vector<std::byte>>{};
}

}  // namespace espalier
