#include "apps/cli/live/sample_ring.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace espalier::cli {
namespace {

TEST(SampleRingTest, WhatDoesNotFitIsCounted) {
  SampleRing ring(4);
  const std::array<float, 6> in = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(ring.Write(in), 4u);
  EXPECT_EQ(ring.lost_samples(), 2u);
  EXPECT_EQ(ring.overrun_count(), 1u);
  std::array<float, 8> out = {};
  EXPECT_EQ(ring.Read(out), 4u);
  EXPECT_EQ(out[3], 4.0f);
  EXPECT_EQ(ring.Read(out), 0u);
  EXPECT_EQ(ring.Write(in), 4u) << "there is room again";
}

TEST(SampleRingTest, TwoThreadsLoseNothing) {
  SampleRing ring(64);
  constexpr int kCount = 100000;
  std::jthread writer([&] {
    for (int next = 0; next < kCount;) {
      std::array<float, 37> chunk;
      const size_t size = std::min<size_t>(chunk.size(), static_cast<size_t>(kCount - next));
      // Only as much as fits: an overrun would be a loss.
      const size_t room = std::min<size_t>(size, 64 - static_cast<size_t>(ring.Size()));
      for (size_t i = 0; i < room; ++i) chunk[i] = static_cast<float>(next + static_cast<int>(i));
      next += static_cast<int>(ring.Write(std::span<const float>(chunk).first(room)));
    }
  });
  std::array<float, 23> out;
  int expected = 0;
  while (expected < kCount) {
    const size_t count = ring.Read(out);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], static_cast<float>(expected++));
  }
  EXPECT_EQ(ring.lost_samples(), 0u);
}

}  // namespace
}  // namespace espalier::cli
