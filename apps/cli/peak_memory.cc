#include "apps/cli/peak_memory.h"

#include <sys/resource.h>

namespace espalier::cli {

double PeakMegabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts kilobytes
}

}  // namespace espalier::cli
