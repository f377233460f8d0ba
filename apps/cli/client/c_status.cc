#include "apps/cli/client/c_status.h"

namespace espalier::cli {

StatusCode CodeFromC(esp_status status) {
  switch (status) {
    case ESP_OK:
      return StatusCode::kOk;
    case ESP_INVALID_ARGUMENT:
      return StatusCode::kInvalidArgument;
    case ESP_NOT_FOUND:
      return StatusCode::kNotFound;
    case ESP_CORRUPT:
      return StatusCode::kCorrupt;
    case ESP_UNSUPPORTED:
      return StatusCode::kUnsupported;
    case ESP_EXHAUSTED:
      return StatusCode::kExhausted;
    case ESP_DEVICE_LOST:
      return StatusCode::kDeviceLost;
    case ESP_CANCELLED:
      return StatusCode::kCancelled;
    case ESP_UNWRITABLE:
      return StatusCode::kUnwritable;
    case ESP_INTERNAL:
      return StatusCode::kInternal;
  }
  return StatusCode::kInternal;
}

Status FromC(esp_status status) {
  return status == ESP_OK ? OkStatus() : Status(CodeFromC(status), esp_last_error());
}

}  // namespace espalier::cli
