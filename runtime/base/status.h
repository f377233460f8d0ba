// Outcomes of everything that can fail on input: Status (code + one-line message) and Result<T>.
//
// Goals: cheap success, a message that names file, field and reason, one table of exit codes.
// Non-goals: stack traces, payloads, exceptions. Our own code throws nothing (style guide §7).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace espalier {

// Each code has one command-line exit status (ExitCode below) and one C enum value.
enum class StatusCode {
  kOk = 0,
  kInvalidArgument,  // a bad option, input file or configuration
  kNotFound,         // the model or one of its files is missing
  kCorrupt,          // a file is there and fails its checks
  kUnsupported,      // not built in, or not in this model
  kExhausted,        // out of memory, too long, or a limit was reached
  kDeviceLost,       // the device went away; work may continue on another
  kCancelled,        // the caller asked for it
  kUnwritable,       // output could not be written
  kInternal,         // our own mistake
};

// Stable lower-case name, for instance "invalid_argument".
std::string_view StatusCodeName(StatusCode code);

// The process exit status that `code` ends a command with (conventions: 0 done, 1 failure,
// 2 bad input, 3 model, 4 capability, 5 output, 130 interrupted).
int ExitCode(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same status with "context: " put before the message; success stays success.
  Status WithContext(std::string_view context) const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status OkStatus() { return {}; }
Status InvalidArgument(std::string message);
Status NotFound(std::string message);
Status Corrupt(std::string message);
Status Unsupported(std::string message);
Status Exhausted(std::string message);
Status Cancelled(std::string message);
Status Unwritable(std::string message);
Status Internal(std::string message);

// A value or the reason why there is none. `value()` may be called only after `ok()`.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : value_(std::move(value)) {
  }  // NOLINT(google-explicit-constructor): reads as `return value;`
  Result(Status status)
      : status_(std::move(status)) {
  }  // NOLINT(google-explicit-constructor): reads as `return status;`

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace espalier

#define ESP_CONCAT_INNER(a, b) a##b
#define ESP_CONCAT(a, b) ESP_CONCAT_INNER(a, b)

// Returns the status from the enclosing function when it is an error.
// Its variable is not called esp_status: that is a type of the C interface.
#define ESP_RETURN_IF_ERROR(expr)                                                    \
  do {                                                                               \
    if (::espalier::Status esp_failed = (expr); !esp_failed.ok()) return esp_failed; \
  } while (false)

// ESP_ASSIGN_OR_RETURN(auto x, MakeX()): declares or assigns, or returns the error.
#define ESP_ASSIGN_OR_RETURN(lhs, expr) \
  ESP_ASSIGN_OR_RETURN_INNER(ESP_CONCAT(esp_result_, __LINE__), lhs, expr)
#define ESP_ASSIGN_OR_RETURN_INNER(tmp, lhs, expr) \
  auto tmp = (expr);                               \
  if (!tmp.ok()) return tmp.status();              \
  lhs = std::move(tmp).value()
