// What the backend counts while it works; read by --timings and by tests.
#pragma once

#include <atomic>
#include <cstdint>

namespace espalier::vulkan {

struct Counters {
  std::atomic<int64_t> command_buffers = 0;    // recorded
  std::atomic<int64_t> descriptor_writes = 0;  // sets written
  std::atomic<int64_t> transfers = 0;          // staged copies, each a submit of its own
  std::atomic<int64_t> submits = 0;
  std::atomic<int64_t> dispatches = 0;  // run, not recorded
  std::atomic<int64_t> barriers = 0;    // run
  std::atomic<int64_t> pipelines = 0;   // made
  std::atomic<int64_t> written_bytes = 0;
  std::atomic<int64_t> read_bytes = 0;
  std::atomic<int64_t> memory_bytes = 0;    // in use at present
  std::atomic<int64_t> reserved_bytes = 0;  // of blocks at present
};

}  // namespace espalier::vulkan
