// Monotonic time, for measuring only.
#pragma once

namespace espalier {

// Seconds of this process's processor time, all threads together.
double ProcessorSeconds();

// Seconds of wall time since some point; with ESPALIER_CLOCK=cpu ProcessorSeconds(): on a
// machine that others use too, and with one thread, about the wall time that it would have alone.
double MeasuredSeconds();

class Stopwatch {
 public:
  Stopwatch() : start_(MeasuredSeconds()) {}
  double Seconds() const { return MeasuredSeconds() - start_; }

 private:
  double start_;
};

}  // namespace espalier
