#include "runtime/backend/cuda/library/memory.h"

#include <gtest/gtest.h>

#include "runtime/backend/cuda/library/transfer.h"
#include "tests/backend/cuda/open_emulated.h"

namespace espalier::cuda {
namespace {

class CudaMemoryTest : public testing::Test {
 protected:
  CudaMemoryTest() : device_(std::move(*Device::Open("cuda:0", Functions()))) {}
  int64_t InUse() const { return device_->counters().memory_bytes; }

  LeakCheck leaks_;
  std::unique_ptr<Device> device_;
};

TEST_F(CudaMemoryTest, RangesAreApartAlignedAndAccounted) {
  MemoryPool pool(device_.get(), 1 << 20);
  const Allocation a = *pool.Allocate(1), b = *pool.Allocate(300), c = *pool.Allocate(0);
  for (const Allocation* each : {&a, &b, &c}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(each->data()) % 256, 0u);
  }
  EXPECT_EQ(b.data(), a.data() + 256);
  EXPECT_EQ(c.data(), b.data() + 512);
  EXPECT_EQ(InUse(), 1024);
  EXPECT_EQ(b.size_bytes(), 300u);
}

TEST_F(CudaMemoryTest, FreedNeighboursAreJoinedAndUsedAgain) {
  MemoryPool pool(device_.get(), 1 << 20);
  Allocation a = *pool.Allocate(256), b = *pool.Allocate(256), c = *pool.Allocate(256);
  const Allocation last = *pool.Allocate(256);
  std::byte* const begin = a.data();
  a = {};
  c = {};
  b = {};
  EXPECT_EQ(InUse(), 256);
  EXPECT_EQ(pool.Allocate(768)->data(), begin);
}

TEST_F(CudaMemoryTest, ABlockGoesWithItsLastRangeAndALargeRangeHasItsOwn) {
  const int64_t before = emu::LiveObjects();
  MemoryPool pool(device_.get(), 4096);
  {
    const Allocation small = *pool.Allocate(256), large = *pool.Allocate(1 << 20);
    EXPECT_EQ(emu::LiveObjects(), before + 2);
  }
  EXPECT_EQ(emu::LiveObjects(), before);
  EXPECT_TRUE(pool.Allocate(16).ok()) << "the places of freed blocks are used again";
}

TEST_F(CudaMemoryTest, BytesGoThereAndBack) {
  MemoryPool pool(device_.get(), 0);
  const auto transfer = std::move(*Transfer::Create(device_.get()));
  const Allocation memory = *pool.Allocate(1000);
  std::vector<std::byte> bytes(1000), back(1000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  ASSERT_TRUE(transfer->Write(memory, 0, bytes).ok());
  ASSERT_TRUE(transfer->Read(memory, 0, back).ok());
  EXPECT_EQ(bytes, back);
  ASSERT_TRUE(transfer->Clear(memory).ok());
  ASSERT_TRUE(transfer->Write(memory, 8, std::span(bytes).first(4)).ok());
  ASSERT_TRUE(transfer->Read(memory, 4, std::span(back).first(12)).ok());
  for (const size_t i : {0, 1, 2, 3, 8, 9, 10, 11}) EXPECT_EQ(back[i], std::byte{0});
  EXPECT_EQ(back[5], bytes[1]);
}

}  // namespace
}  // namespace espalier::cuda
