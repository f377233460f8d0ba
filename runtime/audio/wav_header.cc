#include "runtime/audio/wav_header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

constexpr int kTagPcm = 1;
constexpr int kTagFloat = 3;
constexpr int kTagExtensible = 0xfffe;
constexpr int64_t kStreamedSize = 0x7ffff000;
constexpr int64_t kMaxFmtBytes = 1024;

uint64_t LittleEndian(const uint8_t* bytes, int count) {
  uint64_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

bool HasMark(const uint8_t* bytes, std::string_view mark) {
  return std::memcmp(bytes, mark.data(), mark.size()) == 0;
}

Status Damaged(const std::string& name, const char* what) {
  return InvalidArgument(name + ": damaged WAV header: " + what);
}

Status ReadExactly(const std::string& name, ByteStream* stream, std::span<uint8_t> out) {
  ESP_ASSIGN_OR_RETURN(const size_t count, stream->ReadFully(out));
  if (count < out.size()) return Damaged(name, "it ends before the audio begins");
  return OkStatus();
}

Status Skip(const std::string& name, ByteStream* stream, int64_t count) {
  std::array<uint8_t, 4096> scratch;
  while (count > 0) {
    const auto part = std::span(scratch).first(
        static_cast<size_t>(std::min(count, static_cast<int64_t>(scratch.size()))));
    ESP_RETURN_IF_ERROR(ReadExactly(name, stream, part));
    count -= static_cast<int64_t>(part.size());
  }
  return OkStatus();
}

std::optional<PcmEncoding> Encoding(int format_tag, int bytes_per_sample) {
  if (format_tag == kTagPcm) {
    switch (bytes_per_sample) {
      case 1:
        return PcmEncoding::kU8;
      case 2:
        return PcmEncoding::kS16;
      case 3:
        return PcmEncoding::kS24;
      case 4:
        return PcmEncoding::kS32;
    }
  }
  if (format_tag == kTagFloat && bytes_per_sample == 4) return PcmEncoding::kF32;
  if (format_tag == kTagFloat && bytes_per_sample == 8) return PcmEncoding::kF64;
  return std::nullopt;
}

// fmt: the "fmt " chunk's bytes.
Status ParseFormat(const std::string& name, std::span<const uint8_t> fmt, WavHeader* header) {
  if (fmt.size() < 16) return Damaged(name, "its fmt chunk is too short");
  header->format_tag = static_cast<int>(LittleEndian(&fmt[0], 2));
  header->channels = static_cast<int>(LittleEndian(&fmt[2], 2));
  header->sample_rate = static_cast<int64_t>(LittleEndian(&fmt[4], 4));
  header->bytes_per_second = static_cast<int64_t>(LittleEndian(&fmt[8], 4));
  const int frame_bytes = static_cast<int>(LittleEndian(&fmt[12], 2));
  if (header->format_tag == kTagExtensible) {
    if (fmt.size() < 26) return Damaged(name, "its fmt chunk is too short");
    header->format_tag = static_cast<int>(LittleEndian(&fmt[24], 2));
  }
  if (header->channels == 0) return Damaged(name, "it has 0 channels");
  if (frame_bytes % header->channels == 0) {
    // The container's size counts, not the valid bits: samples are aligned to its upper end.
    header->encoding = Encoding(header->format_tag, frame_bytes / header->channels);
  }
  if (header->encoding) header->bytes_per_second = header->sample_rate * frame_bytes;
  return OkStatus();
}

// Whether the file's own length in `riff` counts bytes behind the first `position`: an empty data
// chunk is then a finished file's, not one that a recorder never came back to.
bool HasMore(std::span<const uint8_t> riff, int64_t position) {
  const auto size = static_cast<int64_t>(LittleEndian(&riff[4], 4));
  return size < kStreamedSize && 8 + size > position;
}

}  // namespace

size_t BytesPerSample(PcmEncoding encoding) {
  switch (encoding) {
    case PcmEncoding::kU8:
      return 1;
    case PcmEncoding::kS16:
      return 2;
    case PcmEncoding::kS24:
      return 3;
    case PcmEncoding::kS32:
    case PcmEncoding::kF32:
      return 4;
    case PcmEncoding::kF64:
      return 8;
  }
  return 1;
}

Result<WavHeader> ReadWavHeader(const std::string& name, ByteStream* stream) {
  WavHeader header;
  std::array<uint8_t, 12> riff;
  ESP_RETURN_IF_ERROR(ReadExactly(name, stream, riff));
  const bool rf64 = HasMark(&riff[0], "RF64");
  if ((!rf64 && !HasMark(&riff[0], "RIFF")) || !HasMark(&riff[8], "WAVE")) {
    return Damaged(name, "it does not begin with RIFF ... WAVE");
  }
  bool has_format = false;
  int64_t long_data_bytes = 0;
  for (;;) {
    std::array<uint8_t, 8> chunk;
    ESP_RETURN_IF_ERROR(ReadExactly(name, stream, chunk));
    const auto size = static_cast<int64_t>(LittleEndian(&chunk[4], 4));
    if (HasMark(&chunk[0], "data")) {
      if (!has_format) return Damaged(name, "its data come before their format");
      if (rf64 && size == 0xffffffff) {
        if (long_data_bytes > 0) header.data_bytes = long_data_bytes;
      } else if (size > 0 ? size < kStreamedSize : HasMore(riff, stream->position())) {
        header.data_bytes = size;
      }
      return header;
    }
    int64_t left = size + (size & 1);  // chunks begin at even bytes
    const bool is_format = HasMark(&chunk[0], "fmt ");
    if (is_format || (rf64 && HasMark(&chunk[0], "ds64"))) {
      std::vector<uint8_t> body(static_cast<size_t>(std::min(size, kMaxFmtBytes)));
      ESP_RETURN_IF_ERROR(ReadExactly(name, stream, body));
      left -= static_cast<int64_t>(body.size());
      if (is_format) {
        ESP_RETURN_IF_ERROR(ParseFormat(name, body, &header));
        has_format = true;
      } else if (body.size() >= 16) {
        const uint64_t bytes = LittleEndian(&body[8], 8);
        if (bytes <= uint64_t{INT64_MAX}) long_data_bytes = static_cast<int64_t>(bytes);
      }
    }
    ESP_RETURN_IF_ERROR(Skip(name, stream, left));
  }
}

}  // namespace espalier
