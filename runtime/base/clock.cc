#include "runtime/base/clock.h"

#include <ctime>

#include "runtime/base/env.h"

namespace espalier {

double MeasuredSeconds() {
  static const bool cpu = GetEnv("ESPALIER_CLOCK").value_or("") == "cpu";
  timespec now{};
  ::clock_gettime(cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace espalier
