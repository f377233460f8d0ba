// Sounds for live sessions, made of formulas: 16 kHz, full scale ±1.
#pragma once

#include <string>
#include <vector>

namespace espalier {

// Syllables of moving formants and hisses, about four a second, for `seconds`. `voice` changes
// pitch, order and timing.
std::vector<float> SpeechLike(double seconds, int voice);

std::vector<float> Silence(double seconds);

struct NamedSignal {
  std::string name;
  std::vector<float> samples;
};

// What is no speech: digital silence, white and pink noise at several levels, mains hum, tones,
// chords, plucked notes, drums, a siren.
std::vector<NamedSignal> NonSpeech(double seconds);

void Append(const std::vector<float>& more, std::vector<float>* samples);

}  // namespace espalier
