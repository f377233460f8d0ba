#include "runtime/base/thread_pool.h"

#include <sched.h>

#include <algorithm>

#include "runtime/base/stop_scope.h"

namespace espalier {
namespace {

constexpr uint32_t kClosed = 0xFFFFFFFFu;  // as next task: nothing to claim
// About 30 µs of looking before sleeping: longer than the gap between two ops of a decoder step.
constexpr int kSpins = 1000;

uint64_t Ticket(uint32_t job, uint32_t next) { return uint64_t{job} << 32 | next; }

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Processors that this process may run on: a container often allows fewer than there are.
int AllowedProcessors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  const int processors = AllowedProcessors();
  if (threads <= 0) threads = processors;
  // With more threads than processors a spinning thread only keeps a working one from running.
  spin_count_ = threads > processors ? 0 : kSpins;
  for (int worker = 1; worker < threads; ++worker) {
    threads_.emplace_back([this, worker] { WorkerLoop(worker); });
  }
}

ThreadPool::~ThreadPool() {
  stopping_.store(true);
  job_.fetch_add(1);
  job_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::ParallelFor(int64_t count, Task every_task) {
  if (count <= 0) return;
  const std::stop_token* stop = StopScope::Current();
  const auto until_stopped = [&](int64_t index, int worker) {
    if (!stop->stop_requested()) every_task(index, worker);
  };
  const Task task = stop == nullptr ? every_task : Task(until_stopped);
  if (count == 1 || threads_.empty() || busy_.exchange(true, std::memory_order_acquire)) {
    for (int64_t i = 0; i < count; ++i) task(i, 0);
    return;
  }
  const uint32_t job = job_.load(std::memory_order_relaxed) + 1;
  // Close the old ticket before its fields change: a claim based on mixed fields then fails.
  ticket_.store(Ticket(job, kClosed));
  task_.store(&task, std::memory_order_release);
  count_.store(static_cast<uint32_t>(count), std::memory_order_release);
  unfinished_.store(static_cast<uint32_t>(count), std::memory_order_relaxed);
  ticket_.store(Ticket(job, 0));
  job_.store(job);
  job_.notify_all();

  RunTasks(job, 0);
  for (int spin = 0; spin < spin_count_; ++spin) {
    if (unfinished_.load(std::memory_order_acquire) == 0) break;
    Pause();
  }
  for (uint32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;) {
    unfinished_.wait(left, std::memory_order_acquire);
  }
  busy_.store(false, std::memory_order_release);
}

void ThreadPool::RunTasks(uint32_t job, int worker) {
  uint64_t ticket = ticket_.load();
  while (static_cast<uint32_t>(ticket >> 32) == job) {
    const auto next = static_cast<uint32_t>(ticket);
    const Task* task = task_.load(std::memory_order_acquire);
    if (next == kClosed || next >= count_.load(std::memory_order_acquire)) return;
    if (!ticket_.compare_exchange_weak(ticket, Ticket(job, next + 1))) continue;
    (*task)(next, worker);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_all();
    ticket = ticket_.load();
  }
}

bool ThreadPool::WaitForJob(uint32_t* seen) const {
  for (int spin = 0; spin < spin_count_; ++spin) {
    if (job_.load(std::memory_order_acquire) != *seen) break;
    Pause();
  }
  job_.wait(*seen, std::memory_order_acquire);
  *seen = job_.load(std::memory_order_acquire);
  return !stopping_.load();
}

void ThreadPool::WorkerLoop(int worker) {
  uint32_t seen = 0;
  while (WaitForJob(&seen)) RunTasks(seen, worker);
}

}  // namespace espalier
