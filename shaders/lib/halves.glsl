// f16 numbers of slots, two to a word; core GLSL, no feature of the device is needed. Rows and
// windows begin at whole words (graph/plan.h).

// Number `index` of the word that holds it.
float HalfOf(uint word, uint index) {
  const vec2 both = unpackHalf2x16(word);
  return (index & 1u) == 0u ? both.x : both.y;
}

vec4 HalfVector(uvec2 words) { return vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y)); }

// Beyond the largest number that one. Comparisons rather than clamp(): NaN passes through.
float Finite(float x) { return x > 65504.0 ? 65504.0 : x < -65504.0 ? -65504.0 : x; }

uint HalfWord(float first, float second) { return packHalf2x16(vec2(Finite(first), Finite(second))); }
