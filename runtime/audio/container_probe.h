// What kind of audio a file or pipe begins with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace espalier {

enum class Container {
  kNone,   // no known mark: headerless PCM
  kWav,    // RIFF or RF64 with WAVE: can be read as it comes
  kOther,  // needs a file: FLAC, Ogg, MP3, MP4, Matroska, ...
};

// Bytes that ProbeContainer wants to see; fewer only when the input is shorter.
inline constexpr size_t kProbeMarkBytes = 16;
inline constexpr size_t kProbeFrameBytes = 8192 + 16;

// Whether kProbeMarkBytes bytes suffice: false when they could begin an MPEG frame, which only the
// next frame's header, within kProbeFrameBytes bytes, tells from a loud PCM sample.
bool MarkDecides(std::span<const uint8_t> start);

Container ProbeContainer(std::span<const uint8_t> start);

// RIFX: WAV with its bytes the other way round.
bool IsBigEndianWav(std::span<const uint8_t> start);

}  // namespace espalier
