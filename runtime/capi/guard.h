// What every function of the C interface goes through: no exception leaves, errors are remembered,
// structs of other sizes are read and written as far as both sides know them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::capi {

esp_status CodeOf(StatusCode code);

// Remembers `status` for esp_last_error of this thread, tells the log, and gives its code.
esp_status Report(const Status& status);
// The same for a message that needs no memory to be made.
esp_status ReportLiteral(esp_status code, const char* message);

void Log(esp_log_level level, const std::string& message);

// Runs body(), which returns a Status.
template <typename Body>
esp_status Guard(const Body& body) {
  try {
    return Report(body());
  } catch (const std::bad_alloc&) {
    return ReportLiteral(ESP_EXHAUSTED, "out of memory");
  } catch (const std::exception& error) {
    try {
      return Report(Internal(error.what()));
    } catch (...) {  // no memory for its words
      return ReportLiteral(ESP_INTERNAL, "an exception");
    }
  } catch (...) {
    return ReportLiteral(ESP_INTERNAL, "an exception of no known kind");
  }
}

// All fields zero but the size.
template <typename T>
void Initialize(T* into) {
  if (into == nullptr) return;
  *into = {};
  into->struct_size = sizeof(T);
}

// The caller's struct over `defaults`: fields that an older caller does not know keep those.
template <typename T>
Status ReadStruct(const T* from, T* into) {
  if (from == nullptr) return OkStatus();
  if (from->struct_size < sizeof(size_t)) {
    return InvalidArgument("a struct without struct_size: call its _init function first");
  }
  std::memcpy(into, from, std::min(from->struct_size, sizeof(T)));
  into->struct_size = sizeof(T);
  return OkStatus();
}

template <typename T>
Status WriteStruct(const T& from, T* into) {
  if (into == nullptr) return InvalidArgument("the out-parameter is null");
  if (into->struct_size < sizeof(size_t)) {
    return InvalidArgument("a struct without struct_size: call its _init function first");
  }
  const size_t size = into->struct_size;
  std::memcpy(into, &from, std::min(size, sizeof(T)));
  into->struct_size = size;
  return OkStatus();
}

// All fields zero but the size, as far as the caller's struct goes; for errors.
template <typename T>
void ClearStruct(T* into) {
  if (into == nullptr || into->struct_size < sizeof(size_t)) return;
  const T empty{};
  (void)WriteStruct(empty, into);
}

}  // namespace espalier::capi
