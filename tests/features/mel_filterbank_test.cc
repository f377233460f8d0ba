#include "runtime/features/mel_filterbank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace espalier {
namespace {

constexpr size_t kBins = 257;

std::vector<float> Column(const std::vector<float>& dense, size_t mels, size_t m) {
  std::vector<float> column;
  for (size_t bin = 0; bin < dense.size() / mels; ++bin) column.push_back(dense[bin * mels + m]);
  return column;
}

// Below 1 kHz the scale is linear, so corners can be worked out by hand: the top, 8 kHz, is mel
// 15 + 27 ln(8) / ln(6.4) = 45.2456, and 80 mels put a corner every 45.2456 / 81 mels = 37.2392 Hz.
TEST(MelFilterbankTest, LinearPartHasHandComputedValues) {
  const auto dense = SlaneyMelFilterbank(16000, 512, 80);
  ASSERT_EQ(dense.size(), kBins * 80);
  constexpr double kCornerHz = 37.23920;
  // Mel 0 rises from 0 Hz to the corner and falls to twice that; bin 1 is 31.25 Hz, bin 2 62.5 Hz.
  EXPECT_EQ(dense[0], 0.0f);
  EXPECT_NEAR(dense[80], 31.25 / kCornerHz / kCornerHz, 1e-6);
  EXPECT_NEAR(dense[160], (2 * kCornerHz - 62.5) / kCornerHz / kCornerHz, 1e-6);
  EXPECT_EQ(dense[240], 0.0f);
}

// The first weights of the table that Whisper ships, which librosa made:
// librosa.filters.mel(sr=16000, n_fft=400, n_mels=80)[0, 1] = 0.02486259.
TEST(MelFilterbankTest, AgreesWithWhispersTable) {
  const auto dense = SlaneyMelFilterbank(16000, 400, 80);
  EXPECT_NEAR(dense[80], 0.02486259, 1e-7);
}

TEST(MelFilterbankTest, TrianglesHaveAreaOneAndOnePeak) {
  // Fine bins, so that the sum over bins approximates the area in Hz.
  constexpr size_t kMels = 80;
  constexpr int kFft = 16384;
  const auto dense = SlaneyMelFilterbank(16000, kFft, static_cast<int>(kMels));
  for (size_t m = 0; m < kMels; ++m) {
    const auto column = Column(dense, kMels, m);
    double area = 0;
    for (float w : column) area += w * 16000.0 / kFft;
    EXPECT_NEAR(area, 1.0, 1e-3) << m;
    const auto peak = std::max_element(column.begin(), column.end());
    EXPECT_TRUE(std::is_sorted(column.begin(), peak)) << m;
    EXPECT_TRUE(std::is_sorted(peak, column.end(), std::greater<>())) << m;
  }
}

TEST(MelFilterbankTest, PeaksAreOrderedAndNothingReachesNyquist) {
  constexpr size_t kMels = 128;
  const auto dense = SlaneyMelFilterbank(16000, 512, static_cast<int>(kMels));
  ptrdiff_t before = -1;
  for (size_t m = 0; m < kMels; ++m) {
    const auto column = Column(dense, kMels, m);
    const auto peak = std::max_element(column.begin(), column.end()) - column.begin();
    EXPECT_GE(peak, before) << m;
    before = peak;
    EXPECT_NEAR(column.back(), 0.0f, 1e-9f) << m;
  }
}

TEST(MelFilterbankTest, SparseEqualsDense) {
  constexpr size_t kMels = 128;
  auto dense = SlaneyMelFilterbank(16000, 512, static_cast<int>(kMels));
  for (size_t bin = 0; bin < kBins; ++bin) dense[bin * kMels + 7] = 0.0f;  // an empty mel
  dense[3 * kMels + 9] = 0.5f;  // a weight far from the others
  std::vector<double> power(kBins);
  for (size_t bin = 0; bin < kBins; ++bin) power[bin] = 1.0 + static_cast<double>(bin * bin % 97);
  const SparseFilterbank sparse(dense, static_cast<int>(kMels));
  ASSERT_EQ(sparse.rows().size(), kMels);
  for (size_t m = 0; m < kMels; ++m) {
    double expected = 0, found = 0;
    for (size_t bin = 0; bin < kBins; ++bin) expected += power[bin] * dense[bin * kMels + m];
    const auto& row = sparse.rows()[m];
    for (size_t i = 0; i < row.bin_count; ++i) {
      found += power[row.first_bin + i] * sparse.weights()[row.first_weight + i];
    }
    EXPECT_DOUBLE_EQ(found, expected) << m;
  }
}

}  // namespace
}  // namespace espalier
