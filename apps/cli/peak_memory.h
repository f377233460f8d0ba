// How much memory this process has taken.
#pragma once

namespace espalier::cli {

double PeakMegabytes();  // largest resident set so far

}  // namespace espalier::cli
