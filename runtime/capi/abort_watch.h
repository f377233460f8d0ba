// Asks a C caller whether to go on while a call computes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "runtime/capi/espalier.h"

namespace espalier::capi {

// Asks as long as it exists; a yes stops `stop`. Nobody is asked where `abort_fn` is null.
class AbortWatch {
 public:
  AbortWatch(esp_abort_fn abort_fn, void* user, const std::stop_source& stop) {
    if (abort_fn == nullptr) return;
    thread_ = std::jthread([abort_fn, user, stop](const std::stop_token& leaving) mutable {
      std::mutex mutex;
      std::condition_variable_any left;
      std::unique_lock lock(mutex);
      while (!leaving.stop_requested()) {
        if (abort_fn(user) != 0) {
          stop.request_stop();
          return;
        }
        // Woken when the call is over: it must not last longer because somebody watches.
        left.wait_for(lock, leaving, kInterval, [] { return false; });
      }
    });
  }

 private:
  static constexpr std::chrono::milliseconds kInterval{10};
  std::jthread thread_;
};

}  // namespace espalier::capi
