// The CUDA backend over the emulator, for tests; and what each of them would leave behind.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "cuda/emu/runtime.h"
#include "runtime/backend/cuda/library/device_backend.h"

namespace espalier {

inline std::unique_ptr<Backend> OpenEmulated(cuda::DeviceOptions options = {}) {
  options.block_bytes = 0;  // every range its own allocation
  auto backend = cuda::OpenDevice(options);
  EXPECT_TRUE(backend.ok()) << backend.status().message();
  return backend.ok() ? std::move(backend).value() : nullptr;
}

// Fails the test when something made during its life is left.
class LeakCheck {
 public:
  LeakCheck() : before_(emu::LiveObjects()) {}
  ~LeakCheck() { EXPECT_EQ(emu::LiveObjects(), before_); }
  LeakCheck(const LeakCheck&) = delete;
  LeakCheck& operator=(const LeakCheck&) = delete;

 private:
  int64_t before_;
};

}  // namespace espalier
