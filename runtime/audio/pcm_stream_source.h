// Plain PCM from a byte stream: headerless, or behind a WAV header.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/audio/byte_stream.h"
#include "runtime/audio/pcm_source.h"
#include "runtime/audio/wav_header.h"

namespace espalier {

class PcmStreamSource : public PcmSource {
 public:
  // Headerless samples. Errors: kInvalidArgument when rate or channels are out of range.
  static Result<std::unique_ptr<PcmSource>> OpenRaw(std::string name,
                                                    std::unique_ptr<ByteStream> stream,
                                                    PcmEncoding encoding, int sample_rate,
                                                    int channels);

  // Reads the WAV header that `stream` begins with. Errors: kInvalidArgument (damaged header, not
  // plain PCM, rate or channels out of range) and the stream's own.
  static Result<std::unique_ptr<PcmSource>> OpenWav(std::string name,
                                                    std::unique_ptr<ByteStream> stream);

  // `stream` stands behind `header`, whose samples are plain PCM. `stream_bytes`: how many bytes it
  // still has, where that is known. Errors: kInvalidArgument (rate or channels out of range).
  static Result<std::unique_ptr<PcmSource>> OpenWavData(std::string name,
                                                        std::unique_ptr<ByteStream> stream,
                                                        const WavHeader& header,
                                                        std::optional<int64_t> stream_bytes);

  std::optional<int64_t> total_frames() const override;
  Result<size_t> Read(std::span<float> interleaved) override;
  std::string warning() const override;

 private:
  PcmStreamSource(std::string name, std::unique_ptr<ByteStream> stream, PcmEncoding encoding)
      : name_(std::move(name)), stream_(std::move(stream)), encoding_(encoding) {}
  size_t FrameBytes() const;

  std::string name_;
  std::unique_ptr<ByteStream> stream_;
  PcmEncoding encoding_;
  std::optional<int64_t> data_bytes_;    // promised by the header
  std::optional<int64_t> stream_bytes_;  // there, as far as known
  int64_t bytes_read_ = 0;
  bool at_end_ = false;
  std::vector<uint8_t> buffer_;  // begins with partial_bytes_ bytes of the next frame
  size_t partial_bytes_ = 0;
};

}  // namespace espalier
