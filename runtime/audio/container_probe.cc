#include "runtime/audio/container_probe.h"

#include <cstring>
#include <string_view>

namespace espalier {
namespace {

using namespace std::string_view_literals;

struct Mark {
  size_t offset;
  std::string_view bytes;
};

constexpr Mark kMarks[] = {
    {0, "RIFF"sv},         {0, "RF64"sv},
    {0, "RIFX"sv},         {0, "riff"sv},
    {0, "fLaC"sv},         {0, "OggS"sv},
    {0, "ID3"sv},          {0, "FORM"sv},
    {0, "caff"sv},         {0, ".snd"sv},
    {0, "NIST_1A"sv},      {0, "Creative Voice"sv},
    {0, "MAC "sv},         {0, "wvpk"sv},
    {0, "TTA1"sv},         {0, "#!AMR"sv},
    {0, "FLV\x01"sv},      {0, "MPCK"sv},
    {4, "ftyp"sv},         {0, "\x1a\x45\xdf\xa3"sv},
    {0, "\0\0\x01\xba"sv}, {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"sv},
};

bool Has(std::span<const uint8_t> start, const Mark& mark) {
  return start.size() >= mark.offset + mark.bytes.size() &&
         std::memcmp(&start[mark.offset], mark.bytes.data(), mark.bytes.size()) == 0;
}

bool HasSync(std::span<const uint8_t> start) {
  return start.size() >= 6 && start[0] == 0xff && (start[1] & 0xe0) == 0xe0;
}

// Length in bytes of the MPEG audio or ADTS frame whose header is at h[0..5], 0 if it is none.
size_t FrameBytes(std::span<const uint8_t> h) {
  if (!HasSync(h)) return 0;
  const int version = h[1] >> 3 & 3;  // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  const int layer = 4 - (h[1] >> 1 & 3);
  if (layer == 4) {  // ADTS (AAC) says its length outright
    if ((h[1] & 0xf0) != 0xf0) return 0;
    return static_cast<size_t>((h[3] & 3) << 11 | h[4] << 3 | h[5] >> 5);
  }
  // kbit/s by the header's index: MPEG-1 layers I, II, III, then MPEG-2 layer I, layers II and III.
  constexpr int kBitRates[5][15] = {
      {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
      {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
      {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
  };
  constexpr int kRates[3] = {44100, 48000, 32000};
  const int rate_index = h[2] >> 2 & 3;
  const int bit_rate_index = h[2] >> 4;
  if (version == 1 || rate_index == 3 || bit_rate_index == 0 || bit_rate_index == 15) return 0;
  const int row = version == 3 ? layer - 1 : layer == 1 ? 3 : 4;
  const int rate = kRates[rate_index] / (version == 3 ? 1 : version == 2 ? 2 : 4);
  const int bits_per_second = kBitRates[row][bit_rate_index] * 1000;
  const int padding = h[2] >> 1 & 1;
  if (layer == 1) return static_cast<size_t>((12 * bits_per_second / rate + padding) * 4);
  const int factor = layer == 3 && version != 3 ? 72 : 144;
  return static_cast<size_t>(factor * bits_per_second / rate + padding);
}

// Two frames one after the other with the same version, layer and rate.
bool HasTwoFrames(std::span<const uint8_t> start) {
  const size_t length = FrameBytes(start);
  if (length < 6 || start.size() < length + 6) return false;
  const auto next = start.subspan(length);
  return FrameBytes(next) > 0 && next[1] == start[1] && (next[2] & 0x0c) == (start[2] & 0x0c);
}

}  // namespace

bool MarkDecides(std::span<const uint8_t> start) { return !HasSync(start); }

Container ProbeContainer(std::span<const uint8_t> start) {
  const bool riff = Has(start, {0, "RIFF"sv}) || Has(start, {0, "RF64"sv});
  if (riff && Has(start, {8, "WAVE"sv})) return Container::kWav;
  for (const Mark& mark : kMarks) {
    if (Has(start, mark)) return Container::kOther;
  }
  return HasTwoFrames(start) ? Container::kOther : Container::kNone;
}

bool IsBigEndianWav(std::span<const uint8_t> start) { return Has(start, {0, "RIFX"sv}); }

}  // namespace espalier
