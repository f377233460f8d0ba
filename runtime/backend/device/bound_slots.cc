#include "runtime/backend/device/bound_slots.h"

#include <algorithm>

#include "runtime/base/string_format.h"

namespace espalier {

Status CheckExternals(const Plan& plan, FunctionRef<size_t(int32_t)> bytes_of, const char* kind) {
  for (const Slot& slot : plan.slots) {
    if (slot.external < 0) continue;
    const auto needed_bytes = static_cast<size_t>(plan.MaxBytes(slot));
    if (bytes_of(slot.external) < needed_bytes) {
      return Internal(StrFormat("%s: slot %s needs a %s buffer of %zu bytes as external %d",
                                plan.name.c_str(), slot.name.c_str(), kind, needed_bytes,
                                slot.external));
    }
  }
  return OkStatus();
}

Result<std::vector<float>> ReadTapRows(const Plan& plan, const Tap& tap,
                                       std::span<const int32_t> lengths,
                                       FunctionRef<Status(std::span<std::byte>)> read) {
  const Slot& slot = plan.slots[static_cast<size_t>(tap.value.slot)];
  const auto rows = static_cast<size_t>(slot.length >= 0 ? lengths[static_cast<size_t>(slot.length)]
                                                         : slot.fixed_rows);
  const auto stride = static_cast<size_t>(slot.columns);
  std::vector<float> all(rows * stride);
  ESP_RETURN_IF_ERROR(read(std::as_writable_bytes(std::span(all))));
  const auto columns = static_cast<size_t>(tap.value.column_count);
  std::vector<float> values(rows * columns);
  for (size_t r = 0; r < rows; ++r) {
    const auto from = r * stride + static_cast<size_t>(tap.value.column_begin);
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(from), columns,
                values.begin() + static_cast<std::ptrdiff_t>(r * columns));
  }
  return values;
}

}  // namespace espalier
