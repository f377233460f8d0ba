// The header of a WAV stream, read without seeking.
//
// Serves pipes, which libsndfile cannot read in every form, and files: libsndfile does not say when
// one is shorter than its header promises, and takes minutes over a nonsensical chunk length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/audio/byte_stream.h"
#include "runtime/base/status.h"

namespace espalier {

// How one sample is stored, little-endian; full scale is ±1 (floats) or the integer's range.
enum class PcmEncoding { kU8, kS16, kS24, kS32, kF32, kF64 };

size_t BytesPerSample(PcmEncoding encoding);

struct WavHeader {
  int format_tag = 0;                   // of the sub-format when extensible
  std::optional<PcmEncoding> encoding;  // nothing: not plain PCM (ADPCM, A-law, ...)
  int64_t sample_rate = 0;              // Hz, as found
  int channels = 0;                     // as found
  int64_t bytes_per_second = 0;         // of data; 0 when the header has no use for it
  // Length of the data. Nothing when the writer did not know it: a size at or above 0x7ffff000, as
  // sox, arecord and ffmpeg write to pipes, or 0 with nothing counted behind it.
  std::optional<int64_t> data_bytes;
};

// Reads a RIFF or RF64 header up to the first byte of the data. Chunks that are not needed are
// skipped. Errors: kInvalidArgument, also when the stream ends before the data begin.
Result<WavHeader> ReadWavHeader(const std::string& name, ByteStream* stream);

}  // namespace espalier
