// A plan's slots once they are bound to a device's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/function_ref.h"
#include "runtime/base/status.h"
#include "runtime/graph/plan.h"

namespace espalier {

// bytes_of(external): size of the buffer bound there, 0 where there is none of this device. `kind`
// names the device's buffers in the message. Errors: kInternal (one that is too small).
Status CheckExternals(const Plan& plan, FunctionRef<size_t(int32_t)> bytes_of, const char* kind);

// The tap's window, row by row. lengths: the row counts of the last run, by the plan's lengths;
// read(bytes) fetches that many of the slot's first bytes. Errors: those of `read`.
Result<std::vector<float>> ReadTapRows(const Plan& plan, const Tap& tap,
                                       std::span<const int32_t> lengths,
                                       FunctionRef<Status(std::span<std::byte>)> read);

}  // namespace espalier
