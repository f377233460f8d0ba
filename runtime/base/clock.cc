#include "runtime/base/clock.h"

#include <ctime>

#include "runtime/base/env.h"

namespace espalier {

namespace {

double Seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

double ProcessorSeconds() { return Seconds(CLOCK_PROCESS_CPUTIME_ID); }

double MeasuredSeconds() {
  static const bool cpu = GetEnv("ESPALIER_CLOCK").value_or("") == "cpu";
  return cpu ? ProcessorSeconds() : Seconds(CLOCK_MONOTONIC);
}

}  // namespace espalier
