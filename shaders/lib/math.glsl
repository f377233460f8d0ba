// exp, log and erf of our own: drivers differ by up to thousands of ulps (Vulkan grants exp 3 + 2|x|
// of them), and the GPU should give the same words as the CPU. NaN passes through all three.

// Relative error below 2e-7; 0 below -87, infinity above 88.7. Cody and Waite's reduction by ln 2
// in two parts, then the Taylor polynomial on [-0.35, 0.35].
float Exp(float x) {
  const float n = floor(x * 1.44269504088896341 + 0.5);
  const float r = fma(n, 2.12194440e-4, fma(n, -0.693359375, x));
  float y = 1.9841270e-4;
  y = fma(y, r, 1.3888889e-3);
  y = fma(y, r, 8.3333333e-3);
  y = fma(y, r, 4.1666667e-2);
  y = fma(y, r, 1.6666667e-1);
  y = fma(y, r, 0.5);
  y = fma(y, r, 1.0);
  y = fma(y, r, 1.0);
  // Clamped so that the exponent's bits stay in range; the comparisons below have the last word.
  const int e = int(clamp(n, -126.0, 127.0));
  y *= intBitsToFloat((e + 127) << 23);
  if (x < -87.3) return 0.0;
  if (x > 88.7) return uintBitsToFloat(0x7F800000u);
  return x != x ? x : y;
}

// For x > 0; relative error below 2e-7 away from 1. log m by the series of atanh.
float Log(float x) {
  const uint bits = floatBitsToUint(x);
  int e = int(bits >> 23) - 127;
  float m = uintBitsToFloat((bits & 0x007FFFFFu) | 0x3F800000u);
  if (m > 1.41421356) {
    m *= 0.5;
    e += 1;
  }
  const float s = (m - 1.0) / (m + 1.0);
  const float q = s * s;
  float y = fma(q, 0.11111111, 0.14285714);
  y = fma(q, y, 0.2);
  y = fma(q, y, 0.33333333);
  y = fma(q, y, 1.0);
  const float result = fma(float(e), 0.693147181, 2.0 * s * y);
  return x != x ? x : result;
}

// Absolute error below 2e-7 (Abramowitz and Stegun 7.1.26).
float Erf(float x) {
  const float a = abs(x);
  const float t = 1.0 / fma(0.3275911, a, 1.0);
  float y = fma(t, 1.061405429, -1.453152027);
  y = fma(t, y, 1.421413741);
  y = fma(t, y, -0.284496736);
  y = fma(t, y, 0.254829592);
  const float r = 1.0 - y * t * Exp(-a * a);
  return x < 0.0 ? -r : r;
}
