#include "runtime/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "runtime/base/stop_scope.h"

namespace espalier {
namespace {

TEST(ThreadPoolTest, RunsEveryTaskOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.thread_count(), threads);
    for (const int64_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
      std::atomic<bool> worker_in_range = true;
      pool.ParallelFor(count, [&](int64_t task, int worker) {
        runs[static_cast<size_t>(task)].fetch_add(1);
        if (worker < 0 || worker >= threads) worker_in_range = false;
      });
      for (const auto& run : runs) EXPECT_EQ(run.load(), 1);
      EXPECT_TRUE(worker_in_range);
    }
  }
}

TEST(ThreadPoolTest, ResultsOfOneJobAreSeenByTheNext) {
  ThreadPool pool(4);
  std::vector<int64_t> values(64, 0);
  for (int64_t round = 0; round < 2000; ++round) {
    pool.ParallelFor(64, [&](int64_t task, int) {
      // Reads what another thread may have written in the round before.
      const auto neighbour = static_cast<size_t>((task + round) % 64);
      values[neighbour] += 1;
    });
  }
  for (const int64_t value : values) EXPECT_EQ(value, 2000);
}

TEST(ThreadPoolTest, NestedCallsRunInTheTask) {
  ThreadPool pool(3);
  std::atomic<int> inner = 0;
  pool.ParallelFor(
      5, [&](int64_t, int) { pool.ParallelFor(4, [&](int64_t, int) { inner.fetch_add(1); }); });
  EXPECT_EQ(inner.load(), 20);
}

TEST(ThreadPoolTest, CallersOnSeveralThreadsDoNotDisturbEachOther) {
  ThreadPool pool(2);
  std::vector<std::thread> callers;
  std::atomic<int64_t> total = 0;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        int64_t own[8] = {};
        pool.ParallelFor(8, [&](int64_t task, int) { own[task] = task; });
        for (const int64_t value : own) total.fetch_add(value);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 3 * 300 * 28);
}

// A task that needs another one to run at the same time ends only if both threads take part.
TEST(ThreadPoolTest, TasksRunAtTheSameTime) {
  ThreadPool pool(2);
  std::atomic<int> arrived = 0;
  pool.ParallelFor(2, [&](int64_t, int) {
    arrived.fetch_add(1);
    while (arrived.load() < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived.load(), 2);
}

TEST(ThreadPoolTest, WakesWorkersThatSleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> arrived = 0;
    pool.ParallelFor(2, [&](int64_t, int) {
      arrived.fetch_add(1);
      while (arrived.load() < 2) std::this_thread::yield();
    });
  }
}

TEST(ThreadPoolTest, AStopLeavesOutWhatHasNotBegun) {
  ThreadPool pool(2);
  std::stop_source source;
  const std::stop_token stop = source.get_token();
  std::atomic<int> ran = 0;
  {
    const StopScope scope(stop);
    pool.ParallelFor(1000, [&](int64_t task, int) {
      if (task == 10) source.request_stop();
      while (task > 10 && !stop.stop_requested()) std::this_thread::yield();
      ran.fetch_add(1);
    });
    EXPECT_GE(ran.load(), 11);
    EXPECT_LE(ran.load(), 12) << "one thread may have begun the next task";
    pool.ParallelFor(5, [&](int64_t, int) { ran = -1000; });
    EXPECT_GE(ran.load(), 11) << "stopped before it began";
  }
  ran = 0;
  pool.ParallelFor(5, [&](int64_t, int) { ran.fetch_add(1); });
  EXPECT_EQ(ran.load(), 5) << "the scope is over";
}

}  // namespace
}  // namespace espalier
