#include "runtime/backend/vulkan/memory.h"

#include <gtest/gtest.h>

#include <optional>

#include "runtime/backend/vulkan/transfer.h"

namespace espalier::vulkan {
namespace {

// A device with a pool, or the reason why there is none.
class VulkanMemoryTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto instance = Instance::Create(
        {.validation = true, .on_message = [](const std::string& text) { ADD_FAILURE() << text; }});
    if (!instance.ok()) GTEST_SKIP() << instance.status().message();
    auto device = Device::Create(std::move(instance).value(), 0);
    if (!device.ok()) GTEST_SKIP() << device.status().message();
    device_ = std::move(device).value();
    pool_.emplace(device_.get(), GetParam());
  }

  Allocation Allocate(size_t size_bytes, MemoryUse use = MemoryUse::kDevice) {
    auto allocation = pool_->Allocate(size_bytes, use);
    EXPECT_TRUE(allocation.ok()) << allocation.status().message();
    return std::move(allocation).value();
  }
  int64_t InUse() const { return device_->counters().memory_bytes; }

  std::unique_ptr<Device> device_;
  std::optional<MemoryPool> pool_;
};

TEST_P(VulkanMemoryTest, RangesAreApartAlignedAndAccounted) {
  const Allocation a = Allocate(1), b = Allocate(300), c = Allocate(0);
  EXPECT_EQ(a.buffer(), b.buffer());
  for (const Allocation* each : {&a, &b, &c}) EXPECT_EQ(each->offset() % 256, 0u);
  EXPECT_EQ(b.offset(), a.offset() + 256);
  EXPECT_EQ(c.offset(), b.offset() + 512);
  EXPECT_EQ(InUse(), 1024);
  EXPECT_EQ(device_->counters().reserved_bytes, int64_t{32} << 20);
  EXPECT_EQ(b.size_bytes(), 300u);
}

TEST_P(VulkanMemoryTest, FreedNeighboursAreJoinedAndUsedAgain) {
  Allocation a = Allocate(256), b = Allocate(256), c = Allocate(256);
  const Allocation last = Allocate(256);
  const VkDeviceSize begin = a.offset();
  a = {};
  c = {};
  b = {};
  EXPECT_EQ(InUse(), 256);
  EXPECT_EQ(Allocate(768).offset(), begin);
}

TEST_P(VulkanMemoryTest, LargerThanABlockGetsItsOwn) {
  const Allocation small = Allocate(256), large = Allocate(size_t{40} << 20);
  EXPECT_NE(small.buffer(), large.buffer());
}

TEST_P(VulkanMemoryTest, HostMemoryIsMapped) {
  EXPECT_NE(Allocate(256, MemoryUse::kHost).host(), nullptr);
  if (GetParam()) {
    EXPECT_EQ(Allocate(256).host(), nullptr);
  }
}

TEST_P(VulkanMemoryTest, BytesGoThereAndBack) {
  auto transfer = Transfer::Create(device_.get(), &*pool_);
  ASSERT_TRUE(transfer.ok()) << transfer.status().message();
  // More than one staged piece, not a whole number of them.
  const size_t size = (size_t{9} << 20) + 12;
  const Allocation memory = Allocate(size);
  std::vector<std::byte> bytes(size), back(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 2654435761u >> 13);
  ASSERT_TRUE((*transfer)->Write(memory, 0, bytes).ok());
  ASSERT_TRUE((*transfer)->Read(memory, 0, back).ok());
  EXPECT_TRUE(bytes == back);
  ASSERT_TRUE((*transfer)->Clear(memory).ok());
  ASSERT_TRUE((*transfer)->Write(memory, 8, std::span(bytes).first(4)).ok());
  ASSERT_TRUE((*transfer)->Read(memory, 4, std::span(back).first(12)).ok());
  for (const size_t i : {0, 1, 2, 3, 8, 9, 10, 11}) EXPECT_EQ(back[i], std::byte{0});
  EXPECT_EQ(back[5], bytes[1]);
  EXPECT_EQ(device_->counters().transfers > 0, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Memory, VulkanMemoryTest, testing::Values(false, true),
                         [](const auto& test) { return test.param ? "separate" : "as_it_is"; });

}  // namespace
}  // namespace espalier::vulkan
