// How a request to stop reaches the middle of a kernel.
#pragma once

#include <stop_token>

namespace espalier {

// While one exists, ThreadPool::ParallelFor calls of its thread leave out the tasks that have not
// begun when `stop` is requested: a large kernel ends within one task's time. What it computed is
// worthless then; whoever made the scope must look at `stop` behind each call. Scopes nest; the
// innermost one counts. `stop` must outlive the scope.
class StopScope {
 public:
  explicit StopScope(const std::stop_token& stop);
  ~StopScope();
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;

  // That of this thread's innermost scope; null when nothing can be stopped.
  static const std::stop_token* Current();

 private:
  const std::stop_token* outer_;
};

}  // namespace espalier
