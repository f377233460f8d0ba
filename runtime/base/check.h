// ESP_DCHECK: a statement about our own code, never about input. Compiled into debug and sanitizer
// builds (NDEBUG unset), nothing elsewhere.
#pragma once

#include <cassert>

#define ESP_DCHECK(condition) assert(condition)
