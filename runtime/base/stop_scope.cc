#include "runtime/base/stop_scope.h"

namespace espalier {
namespace {

thread_local const std::stop_token* current = nullptr;

}  // namespace

StopScope::StopScope(const std::stop_token& stop) : outer_(current) {
  current = stop.stop_possible() ? &stop : nullptr;
}

StopScope::~StopScope() { current = outer_; }

const std::stop_token* StopScope::Current() { return current; }

}  // namespace espalier
