#include "runtime/capi/guard.h"

namespace espalier::capi {
namespace {

// The one piece of global state: C has no other place for either.
struct LogTarget {
  esp_log_fn log = nullptr;
  void* user = nullptr;
};
LogTarget log_target;

thread_local std::string last_error;

}  // namespace

esp_status CodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return ESP_OK;
    case StatusCode::kInvalidArgument:
      return ESP_INVALID_ARGUMENT;
    case StatusCode::kNotFound:
      return ESP_NOT_FOUND;
    case StatusCode::kCorrupt:
      return ESP_CORRUPT;
    case StatusCode::kUnsupported:
      return ESP_UNSUPPORTED;
    case StatusCode::kExhausted:
      return ESP_EXHAUSTED;
    case StatusCode::kDeviceLost:
      return ESP_DEVICE_LOST;
    case StatusCode::kCancelled:
      return ESP_CANCELLED;
    case StatusCode::kUnwritable:
      return ESP_UNWRITABLE;
    case StatusCode::kInternal:
      return ESP_INTERNAL;
  }
  return ESP_INTERNAL;
}

esp_status Report(const Status& status) {
  if (status.ok()) return ESP_OK;
  last_error = status.message();
  if (status.code() != StatusCode::kCancelled) Log(ESP_LOG_ERROR, status.message());
  return CodeOf(status.code());
}

esp_status ReportLiteral(esp_status code, const char* message) {
  // Short enough for the string's own room, or for what it has already.
  last_error.clear();
  last_error.append(message, std::min(std::strlen(message), last_error.capacity()));
  return code;
}

void Log(esp_log_level level, const std::string& message) {
  if (log_target.log != nullptr) log_target.log(level, message.c_str(), log_target.user);
}

}  // namespace espalier::capi

extern "C" {

const char* esp_status_string(esp_status status) {
  switch (status) {
    case ESP_OK:
      return "ok";
    case ESP_INVALID_ARGUMENT:
      return "invalid_argument";
    case ESP_NOT_FOUND:
      return "not_found";
    case ESP_CORRUPT:
      return "corrupt";
    case ESP_UNSUPPORTED:
      return "unsupported";
    case ESP_EXHAUSTED:
      return "exhausted";
    case ESP_DEVICE_LOST:
      return "device_lost";
    case ESP_CANCELLED:
      return "cancelled";
    case ESP_UNWRITABLE:
      return "unwritable";
    case ESP_INTERNAL:
      return "internal";
  }
  return "unknown";
}

const char* esp_last_error(void) { return espalier::capi::last_error.c_str(); }

const char* esp_version_string(void) { return "0.1.0"; }

void esp_set_log(esp_log_fn log, void* user) { espalier::capi::log_target = {log, user}; }

}  // extern "C"
