// Fork-join over a fixed set of threads, for kernels.
//
// Goals: a fork-join of a few microseconds while work keeps coming, no allocation, no busy waiting
// beyond some microseconds, progress whenever any thread of a job is scheduled (the caller takes
// part and tasks are claimed one by one). Non-goals: futures, priorities, task graphs.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "runtime/base/function_ref.h"

namespace espalier {

class ThreadPool {
 public:
  // Tasks may use worker numbers 0 (the caller) to thread_count() - 1 to find their own scratch.
  using Task = FunctionRef<void(int64_t task, int worker)>;

  // `threads` counts the caller; 0 means one per processor that this process may use.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int thread_count() const { return static_cast<int>(threads_.size()) + 1; }

  // Runs task(0 … count - 1), each once, and returns when all are done. Thread-safe: while one
  // caller has the threads, another (or a task itself) runs its tasks alone, as worker 0. `task`
  // must not throw. `count` is below 2^31.
  void ParallelFor(int64_t count, Task task);

 private:
  void WorkerLoop(int worker);
  void RunTasks(uint32_t job, int worker);
  bool WaitForJob(uint32_t* seen) const;

  std::vector<std::thread> threads_;
  int spin_count_ = 0;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> stopping_ = false;

  // The job that is open. A claim is a compare-and-swap of `ticket_` (job number, next task), so a
  // thread that slept through a job cannot take a task of it, nor of the next one by mistake.
  alignas(64) std::atomic<uint64_t> ticket_ = 0;
  std::atomic<const Task*> task_ = nullptr;
  std::atomic<uint32_t> count_ = 0;
  alignas(64) std::atomic<uint32_t> unfinished_ = 0;
  alignas(64) std::atomic<uint32_t> job_ = 0;  // what sleeping workers wait on
};

}  // namespace espalier
