#include "runtime/backend/speed.h"

#include <gtest/gtest.h>

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/reference/reference_backend.h"

namespace espalier {
namespace {

std::unique_ptr<Backend> Cpu() {
  auto backend = MakeCpuBackend({.threads = 1});
  EXPECT_TRUE(backend.ok()) << backend.status().message();
  return std::move(backend).value();
}

// Compiles nothing.
class BrokenBackend : public Backend {
 public:
  const DeviceInfo& info() const override { return info_; }
  Result<std::unique_ptr<Buffer>> Allocate(size_t) override { return Exhausted("broken"); }
  Status Supports(const Plan&) const override { return OkStatus(); }
  Result<std::shared_ptr<Executable>> Compile(std::shared_ptr<const Plan>) override {
    return Unsupported("broken");
  }

 private:
  DeviceInfo info_{.id = "broken:0", .kind = "gpu", .name = "Broken", .detail = ""};
};

TEST(SpeedTest, AFasterDeviceIsTakenAndASlowerOneIsNot) {
  const auto fast = Cpu(), slow = MakeReferenceBackend();
  EXPECT_TRUE(IsWorthTaking(*fast, *slow));
  EXPECT_FALSE(IsWorthTaking(*slow, *fast));
}

TEST(SpeedTest, ADeviceThatFailsIsNotTaken) {
  BrokenBackend broken;
  EXPECT_EQ(MeasureSeconds(broken).status().code(), StatusCode::kExhausted);
  EXPECT_FALSE(IsWorthTaking(broken, *Cpu()));
}

}  // namespace
}  // namespace espalier
