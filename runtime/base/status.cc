#include "runtime/base/status.h"

namespace espalier {
namespace {

struct CodeRow {
  StatusCode code;
  std::string_view name;
  int exit_code;
};

// One row per code; tests/base/status_test.cc holds the table of conventions against it.
constexpr CodeRow kCodes[] = {
    {StatusCode::kOk, "ok", 0},
    {StatusCode::kInvalidArgument, "invalid_argument", 2},
    {StatusCode::kNotFound, "not_found", 3},
    {StatusCode::kCorrupt, "corrupt", 3},
    {StatusCode::kUnsupported, "unsupported", 4},
    {StatusCode::kExhausted, "exhausted", 1},
    {StatusCode::kDeviceLost, "device_lost", 1},
    {StatusCode::kCancelled, "cancelled", 130},
    {StatusCode::kUnwritable, "unwritable", 5},
    {StatusCode::kInternal, "internal", 1},
};

const CodeRow& Row(StatusCode code) { return kCodes[static_cast<int>(code)]; }

}  // namespace

std::string_view StatusCodeName(StatusCode code) { return Row(code).name; }
int ExitCode(StatusCode code) { return Row(code).exit_code; }

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return Status(code_, std::string(context) + ": " + message_);
}

Status InvalidArgument(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}
Status NotFound(std::string message) { return {StatusCode::kNotFound, std::move(message)}; }
Status Corrupt(std::string message) { return {StatusCode::kCorrupt, std::move(message)}; }
Status Unsupported(std::string message) { return {StatusCode::kUnsupported, std::move(message)}; }
Status Exhausted(std::string message) { return {StatusCode::kExhausted, std::move(message)}; }
Status Cancelled(std::string message) { return {StatusCode::kCancelled, std::move(message)}; }
Status Unwritable(std::string message) { return {StatusCode::kUnwritable, std::move(message)}; }
Status Internal(std::string message) { return {StatusCode::kInternal, std::move(message)}; }

}  // namespace espalier
