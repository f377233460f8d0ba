#include "runtime/audio/pcm_stream_source.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are copied as they lie");

constexpr size_t kBufferFrames = 4096;

template <typename T>
T Load(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

float Decode(PcmEncoding encoding, const uint8_t* bytes) {
  switch (encoding) {
    case PcmEncoding::kU8:
      return static_cast<float>(bytes[0] - 128) / 128.0f;
    case PcmEncoding::kS16:
      return static_cast<float>(Load<int16_t>(bytes)) / 32768.0f;
    case PcmEncoding::kS24: {
      // Into the upper three bytes of a word, so that the sign is in its place.
      const uint32_t word =
          uint32_t{bytes[0]} << 8 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 24;
      return static_cast<float>(static_cast<int32_t>(word) / 256) / 8388608.0f;
    }
    case PcmEncoding::kS32:
      return static_cast<float>(Load<int32_t>(bytes)) / 2147483648.0f;
    case PcmEncoding::kF32:
      return Load<float>(bytes);
    case PcmEncoding::kF64:
      return static_cast<float>(Load<double>(bytes));
  }
  return 0.0f;
}

}  // namespace

Result<std::unique_ptr<PcmSource>> PcmStreamSource::OpenRaw(std::string name,
                                                            std::unique_ptr<ByteStream> stream,
                                                            PcmEncoding encoding, int sample_rate,
                                                            int channels) {
  ESP_RETURN_IF_ERROR(CheckPcmFormat(name, sample_rate, channels));
  auto source = std::unique_ptr<PcmStreamSource>(
      new PcmStreamSource(std::move(name), std::move(stream), encoding));
  source->sample_rate_ = sample_rate;
  source->channels_ = channels;
  return std::unique_ptr<PcmSource>(std::move(source));
}

Result<std::unique_ptr<PcmSource>> PcmStreamSource::OpenWav(std::string name,
                                                            std::unique_ptr<ByteStream> stream) {
  ESP_ASSIGN_OR_RETURN(const WavHeader header, ReadWavHeader(name, stream.get()));
  if (!header.encoding) {
    return InvalidArgument(StrFormat(
        "%s: WAV with compressed samples (format tag 0x%04x) cannot be read from a pipe; give a "
        "file",
        name.c_str(), static_cast<unsigned>(header.format_tag)));
  }
  return OpenWavData(std::move(name), std::move(stream), header, std::nullopt);
}

Result<std::unique_ptr<PcmSource>> PcmStreamSource::OpenWavData(
    std::string name, std::unique_ptr<ByteStream> stream, const WavHeader& header,
    std::optional<int64_t> stream_bytes) {
  const int rate = static_cast<int>(std::min<int64_t>(header.sample_rate, INT32_MAX));
  ESP_RETURN_IF_ERROR(CheckPcmFormat(name, rate, header.channels));
  auto source = std::unique_ptr<PcmStreamSource>(
      new PcmStreamSource(std::move(name), std::move(stream), *header.encoding));
  source->sample_rate_ = rate;
  source->channels_ = header.channels;
  source->data_bytes_ = header.data_bytes;
  source->stream_bytes_ = stream_bytes;
  return std::unique_ptr<PcmSource>(std::move(source));
}

size_t PcmStreamSource::FrameBytes() const {
  return BytesPerSample(encoding_) * static_cast<size_t>(channels_);
}

std::optional<int64_t> PcmStreamSource::total_frames() const {
  if (!data_bytes_ && !stream_bytes_) return std::nullopt;
  const int64_t bytes =
      std::min(data_bytes_.value_or(INT64_MAX), stream_bytes_.value_or(INT64_MAX));
  return bytes / static_cast<int64_t>(FrameBytes());
}

Result<size_t> PcmStreamSource::Read(std::span<float> interleaved) {
  const size_t frame_bytes = FrameBytes();
  const size_t frames =
      std::min(interleaved.size() / static_cast<size_t>(channels_), kBufferFrames);
  buffer_.resize(kBufferFrames * frame_bytes);
  size_t have = partial_bytes_;
  while (have < frame_bytes && frames > 0 && !at_end_) {
    size_t want = frames * frame_bytes - have;
    if (data_bytes_) {
      want = static_cast<size_t>(std::min(static_cast<int64_t>(want), *data_bytes_ - bytes_read_));
    }
    ESP_ASSIGN_OR_RETURN(const size_t count, stream_->Read(std::span(buffer_).subspan(have, want)));
    at_end_ = count == 0;
    have += count;
    bytes_read_ += static_cast<int64_t>(count);
  }
  const size_t whole = have / frame_bytes;
  const size_t sample_bytes = BytesPerSample(encoding_);
  for (size_t i = 0; i < whole * static_cast<size_t>(channels_); ++i) {
    interleaved[i] = Decode(encoding_, &buffer_[i * sample_bytes]);
  }
  partial_bytes_ = have - whole * frame_bytes;
  std::memmove(buffer_.data(), buffer_.data() + whole * frame_bytes, partial_bytes_);
  return whole;
}

std::string PcmStreamSource::warning() const {
  if (!at_end_ || !data_bytes_ || bytes_read_ >= *data_bytes_) return {};
  const double bytes_per_second = static_cast<double>(FrameBytes()) * sample_rate_;
  return TruncationWarning(name_, static_cast<double>(bytes_read_) / bytes_per_second,
                           static_cast<double>(*data_bytes_) / bytes_per_second);
}

}  // namespace espalier
