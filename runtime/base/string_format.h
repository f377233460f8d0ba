// printf-style formatting into a std::string (<format> is absent from g++ 12).
#pragma once

#include <string>

namespace espalier {

[[gnu::format(printf, 1, 2)]] std::string StrFormat(const char* format, ...);

}  // namespace espalier
