#include "apps/cli/peak_memory.h"

#include <cstdlib>
#include <fstream>
#include <string>

namespace espalier::cli {

// Not getrusage: its peak goes on from the process that started this one (Linux keeps it over
// exec).
double PeakMegabytes() {
  std::ifstream status("/proc/self/status");
  const std::string field = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::strtod(line.c_str() + field.size(), nullptr) / 1024;
  }
  return 0.0;
}

}  // namespace espalier::cli
