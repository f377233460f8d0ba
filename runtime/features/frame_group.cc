#include "runtime/features/frame_group.h"

#include <algorithm>
#include <limits>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/features/frame_group.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
//
#include "hwy/contrib/math/math-inl.h"

// Once for all targets.
#ifndef ESP_FEATURES_FRAME_GROUP_CC_
#define ESP_FEATURES_FRAME_GROUP_CC_
namespace espalier {

constexpr size_t kMostLanes = 8;

}  // namespace espalier
#endif

HWY_BEFORE_NAMESPACE();
namespace espalier::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using V = hn::Vec<Doubles>;
constexpr size_t kLanes = HWY_LANES(double);
static_assert(kLanes <= kMostLanes);

// A complex number of every frame.
struct Complex {
  V re, im;
};

// A buffer of them: real parts, then imaginary ones, point by point.
HWY_INLINE Complex LoadAt(const double* buffer, int point) {
  const double* at = buffer + 2 * kLanes * static_cast<size_t>(point);
  return {hn::Load(Doubles(), at), hn::Load(Doubles(), at + kLanes)};
}
HWY_INLINE void StoreAt(Complex x, double* buffer, int point) {
  double* at = buffer + 2 * kLanes * static_cast<size_t>(point);
  hn::Store(x.re, Doubles(), at);
  hn::Store(x.im, Doubles(), at + kLanes);
}

HWY_INLINE Complex Add(Complex a, Complex b) { return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)}; }
HWY_INLINE Complex Sub(Complex a, Complex b) { return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)}; }
// a + scale · b
HWY_INLINE Complex MulAdd(double scale, Complex b, Complex a) {
  const V factor = hn::Set(Doubles(), scale);
  return {hn::MulAdd(factor, b.re, a.re), hn::MulAdd(factor, b.im, a.im)};
}
HWY_INLINE Complex Times(Complex a, std::complex<double> b) {
  const V re = hn::Set(Doubles(), b.real()), im = hn::Set(Doubles(), b.imag());
  return {hn::NegMulAdd(a.im, im, hn::Mul(a.re, re)), hn::MulAdd(a.re, im, hn::Mul(a.im, re))};
}
HWY_INLINE Complex TimesMinusI(Complex a) { return {a.im, hn::Neg(a.re)}; }

// Where the points of a pass lie: of group g and interleaved transform q, input k and output j.
struct Places {
  const FourierPlan::Pass& pass;
  int In(int g, int q, int k) const { return q + pass.stride * (g + pass.groups * k); }
  int Out(int g, int q, int j) const { return q + pass.stride * (pass.radix * g + j); }
};

void PassOfFour(const FourierPlan::Pass& pass, const double* from, double* to) {
  const Places at{pass};
  for (int g = 0; g < pass.groups; ++g) {
    const std::complex<double>* turn = &pass.twiddles[static_cast<size_t>(3 * g)];
    for (int q = 0; q < pass.stride; ++q) {
      const Complex a0 = LoadAt(from, at.In(g, q, 0)), a1 = LoadAt(from, at.In(g, q, 1));
      const Complex a2 = LoadAt(from, at.In(g, q, 2)), a3 = LoadAt(from, at.In(g, q, 3));
      const Complex even = Add(a0, a2), odd = Add(a1, a3);
      const Complex even_gap = Sub(a0, a2), odd_gap = TimesMinusI(Sub(a1, a3));
      StoreAt(Add(even, odd), to, at.Out(g, q, 0));
      StoreAt(Times(Add(even_gap, odd_gap), turn[0]), to, at.Out(g, q, 1));
      StoreAt(Times(Sub(even, odd), turn[1]), to, at.Out(g, q, 2));
      StoreAt(Times(Sub(even_gap, odd_gap), turn[2]), to, at.Out(g, q, 3));
    }
  }
}

void PassOfTwo(const FourierPlan::Pass& pass, const double* from, double* to) {
  const Places at{pass};
  for (int g = 0; g < pass.groups; ++g) {
    const std::complex<double> turn = pass.twiddles[static_cast<size_t>(g)];
    for (int q = 0; q < pass.stride; ++q) {
      const Complex a0 = LoadAt(from, at.In(g, q, 0)), a1 = LoadAt(from, at.In(g, q, 1));
      StoreAt(Add(a0, a1), to, at.Out(g, q, 0));
      StoreAt(Times(Sub(a0, a1), turn), to, at.Out(g, q, 1));
    }
  }
}

// With s_k = a_k + a_(r-k) and d_k = a_k - a_(r-k), outputs j and r - j are a_0 + Σ cos·s_k ∓ i·Σ
// sin·d_k over k up to half. Sums and differences wait in `scratch`, radix - 1 points.
void PassOfOdd(const FourierPlan::Pass& pass, const double* from, double* to, double* scratch) {
  const Places at{pass};
  const int half = (pass.radix - 1) / 2;
  for (int g = 0; g < pass.groups; ++g) {
    const std::complex<double>* turn = &pass.twiddles[static_cast<size_t>((pass.radix - 1) * g)];
    for (int q = 0; q < pass.stride; ++q) {
      const Complex first = LoadAt(from, at.In(g, q, 0));
      Complex total = first;
      for (int k = 1; k <= half; ++k) {
        const Complex a = LoadAt(from, at.In(g, q, k));
        const Complex b = LoadAt(from, at.In(g, q, pass.radix - k));
        const Complex sum = Add(a, b);
        total = Add(total, sum);
        StoreAt(sum, scratch, 2 * (k - 1));
        StoreAt(Sub(a, b), scratch, 2 * (k - 1) + 1);
      }
      StoreAt(total, to, at.Out(g, q, 0));
      for (int j = 1; j <= half; ++j) {
        const std::complex<double>* roots = &pass.roots[static_cast<size_t>((j - 1) * half)];
        Complex cosines = first, sines{hn::Zero(Doubles()), hn::Zero(Doubles())};
        for (int k = 0; k < half; ++k) {
          cosines = MulAdd(roots[k].real(), LoadAt(scratch, 2 * k), cosines);
          sines = MulAdd(roots[k].imag(), LoadAt(scratch, 2 * k + 1), sines);
        }
        const Complex turned = TimesMinusI(sines);
        StoreAt(Times(Add(cosines, turned), turn[j - 1]), to, at.Out(g, q, j));
        StoreAt(Times(Sub(cosines, turned), turn[pass.radix - j - 1]), to,
                at.Out(g, q, pass.radix - j));
      }
    }
  }
}

// The parts of the scratch.
struct Buffers {
  double* points;  // (n_fft / 2 complex)
  double* others;  // the same, of the next pass
  double* spare;   // the same; later the powers, (n_fft / 2 + 1)

  Buffers(const FrameTables& tables, double* scratch)
      : points(scratch),
        others(points + 2 * kLanes * static_cast<size_t>(tables.fourier.size)),
        spare(others + 2 * kLanes * static_cast<size_t>(tables.fourier.size)) {}
};

// Windowed samples of all frames as complex points; what is outside of the window is zero.
void LoadPoints(const FrameTables& tables, const float* samples, int64_t count, double* points) {
  const Doubles d;
  const hn::Rebind<float, Doubles> floats;
  // A lane without a frame repeats the last one.
  HWY_ALIGN int32_t starts[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const auto frame = std::min(static_cast<int64_t>(lane), count - 1);
    starts[lane] = static_cast<int32_t>(frame * tables.hop);
  }
  const auto offsets = hn::Load(hn::Rebind<int32_t, Doubles>(), starts);
  std::fill_n(points, 2 * kLanes * static_cast<size_t>(tables.fourier.size), 0.0);
  const auto start = static_cast<size_t>(tables.window_start);
  for (size_t i = 0; i < tables.window.size(); ++i) {
    const V x = hn::PromoteTo(d, hn::GatherIndex(floats, samples + start + i, offsets));
    hn::Store(hn::Mul(x, hn::Set(d, tables.window[i])), d, points + (start + i) * kLanes);
  }
}

HWY_INLINE V Norm(Complex x) { return hn::MulAdd(x.re, x.re, hn::Mul(x.im, x.im)); }

// |X|² of the real transform from the complex one Z: with E and O the transforms of the even and
// the odd samples, X[k] = E[k] + e^(-2πi·k/n_fft)·O[k] and X[n_fft/2 - k] = (E[k] - e^(…)·O[k])*.
void StorePowers(const FrameTables& tables, const double* points, double* powers) {
  const Doubles d;
  const int half = tables.fourier.size;
  const V one_half = hn::Set(d, 0.5);
  const Complex zero = LoadAt(points, 0);
  const V sum = hn::Add(zero.re, zero.im), gap = hn::Sub(zero.re, zero.im);
  hn::Store(hn::Mul(sum, sum), d, powers);
  hn::Store(hn::Mul(gap, gap), d, powers + kLanes * static_cast<size_t>(half));
  for (int k = 1; 2 * k <= half; ++k) {
    const Complex a = LoadAt(points, k), b = LoadAt(points, half - k);
    const Complex even{hn::Mul(one_half, hn::Add(a.re, b.re)),
                       hn::Mul(one_half, hn::Sub(a.im, b.im))};
    const Complex odd{hn::Mul(one_half, hn::Add(a.im, b.im)),
                      hn::Mul(one_half, hn::Sub(b.re, a.re))};
    const Complex turned = Times(odd, tables.turns[static_cast<size_t>(k)]);
    hn::Store(Norm(Add(even, turned)), d, powers + kLanes * static_cast<size_t>(k));
    hn::Store(Norm(Sub(even, turned)), d, powers + kLanes * static_cast<size_t>(half - k));
  }
}

// Of what is not a finite number, that.
HWY_INLINE V LogOfMel(V mel) {
  const Doubles d;
  mel = hn::IfThenElse(hn::Lt(mel, hn::Set(d, kMelFloor)), hn::Set(d, kMelFloor), mel);
  const auto finite = hn::Lt(mel, hn::Set(d, std::numeric_limits<double>::infinity()));
  return hn::IfThenElse(finite, hn::Log(d, mel), mel);
}

void ComputeGroup(const FrameTables& tables, const float* samples, int64_t count, double* scratch,
                  float* frames) {
  const Doubles d;
  Buffers buffers(tables, scratch);
  LoadPoints(tables, samples, count, buffers.points);
  for (const FourierPlan::Pass& pass : tables.fourier.passes) {
    if (pass.radix == 4) {
      PassOfFour(pass, buffers.points, buffers.others);
    } else if (pass.radix == 2) {
      PassOfTwo(pass, buffers.points, buffers.others);
    } else {
      PassOfOdd(pass, buffers.points, buffers.others, buffers.spare);
    }
    std::swap(buffers.points, buffers.others);
  }
  StorePowers(tables, buffers.points, buffers.spare);
  const V unit = hn::Set(d, tables.natural_log ? 1.0 : 0.43429448190325182765);  // log10(e)
  const size_t mels = tables.filterbank.rows().size();
  for (size_t m = 0; m < mels; ++m) {
    const SparseFilterbank::Row& row = tables.filterbank.rows()[m];
    const double* weights = tables.filterbank.weights().data() + row.first_weight;
    V mel = hn::Zero(d);
    for (size_t i = 0; i < row.bin_count; ++i) {
      const V power = hn::Load(d, buffers.spare + kLanes * (row.first_bin + i));
      mel = hn::MulAdd(hn::Set(d, weights[i]), power, mel);
    }
    HWY_ALIGN double logs[kLanes];
    hn::Store(hn::Mul(LogOfMel(mel), unit), d, logs);
    for (int64_t f = 0; f < count; ++f) {
      frames[static_cast<size_t>(f) * mels + m] = static_cast<float>(logs[f]);
    }
  }
}

void ComputeAll(const FrameTables& tables, const float* samples, int64_t count, double* scratch,
                float* frames) {
  const auto mels = static_cast<int64_t>(tables.filterbank.rows().size());
  for (int64_t f = 0; f < count; f += int64_t{kLanes}) {
    ComputeGroup(tables, samples + f * tables.hop, std::min(count - f, int64_t{kLanes}), scratch,
                 frames + f * mels);
  }
}

}  // namespace
}  // namespace espalier::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

size_t FrameScratchSize(const FrameTables& tables) {
  return (6 * static_cast<size_t>(tables.fourier.size) + 2) * kMostLanes;
}

HWY_EXPORT(ComputeAll);

void ComputeFrames(const FrameTables& tables, const float* samples, int64_t count, double* scratch,
                   float* frames) {
  HWY_DYNAMIC_DISPATCH(ComputeAll)(tables, samples, count, scratch, frames);
}

}  // namespace espalier
#endif
