// One device: allocates buffers and turns plans into executables.
//
// Goals: small enough that a backend is one folder; everything that can fail about a plan fails in
// Compile. Non-goals: a backend knows no model and no gate, a model knows no backend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/graph/plan.h"

namespace espalier {

struct DeviceInfo {
  std::string id;         // as --device takes it: "cpu", "reference", "vulkan:0"
  std::string kind;       // "cpu", "gpu", "igpu", "software" (a GPU interface computed on the CPU)
  std::string name;       // as the device calls itself
  std::string detail;     // instruction set, driver version
  std::string uuid = {};  // of a GPU: the same when others come or go
  std::string refusal = {};  // why it cannot be used; empty: it can
  int64_t memory_bytes = 0;
};

// What a device did since its backend was made. Zero throughout where a backend does not count.
struct DeviceCounters {
  int64_t dispatches = 0;         // kernels run
  int64_t barriers = 0;           // run
  int64_t submits = 0;            // of command buffers, staged copies included
  int64_t command_buffers = 0;    // recorded
  int64_t descriptor_writes = 0;  // descriptor sets written
  int64_t written_bytes = 0;      // host to device, weights included
  int64_t read_bytes = 0;         // device to host
  int64_t memory_bytes = 0;       // device memory in use at present, host memory it reads included
  int64_t reserved_bytes = 0;     // taken from the driver at present for that

  // What was done since `earlier`; memory stays what it is.
  DeviceCounters Since(const DeviceCounters& earlier) const {
    return {.dispatches = dispatches - earlier.dispatches,
            .barriers = barriers - earlier.barriers,
            .submits = submits - earlier.submits,
            .command_buffers = command_buffers - earlier.command_buffers,
            .descriptor_writes = descriptor_writes - earlier.descriptor_writes,
            .written_bytes = written_bytes - earlier.written_bytes,
            .read_bytes = read_bytes - earlier.read_bytes,
            .memory_bytes = memory_bytes,
            .reserved_bytes = reserved_bytes};
  }
  // Adds what was done; memory stays what it is.
  DeviceCounters& operator+=(const DeviceCounters& more) {
    dispatches += more.dispatches;
    barriers += more.barriers;
    submits += more.submits;
    command_buffers += more.command_buffers;
    descriptor_writes += more.descriptor_writes;
    written_bytes += more.written_bytes;
    read_bytes += more.read_bytes;
    return *this;
  }
};

// Device memory. Not thread-safe; belongs to one session. Fresh buffers read as zeros.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual size_t size_bytes() const = 0;
  // The range must lie inside the buffer (ours to ensure).
  virtual Status Write(size_t offset_bytes, std::span<const std::byte> bytes) = 0;
  virtual Status Read(size_t offset_bytes, std::span<std::byte> bytes) const = 0;
  // The bytes themselves where device memory is host memory, else null.
  virtual std::byte* host() = 0;
};

// A plan with its buffers bound and its scratch allocated: one session's.
class ExecutionState {
 public:
  virtual ~ExecutionState() = default;
  // Runs the plan. `lengths`: those of Plan::lengths that the caller gives, in order. No
  // allocation. Errors: kInvalidArgument (a length out of range), kCancelled (checked between ops),
  // kDeviceLost.
  virtual Status Run(std::span<const int32_t> lengths, const std::stop_token& stop) = 0;
  // Copies the rows of a tap of the last run, row-major. For dumps only.
  virtual Result<std::vector<float>> ReadTap(const Tap& tap) const = 0;
};

// A plan compiled for one device: kernels chosen, weights prepared. Immutable, shared by sessions.
class Executable {
 public:
  virtual ~Executable() = default;
  virtual const Plan& plan() const = 0;
  // externals[i] is bound to the slots with external == i and must outlive the state.
  virtual Result<std::unique_ptr<ExecutionState>> Bind(std::span<Buffer* const> externals) = 0;
};

// Thread-safe. Outlives its executables and buffers.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual Result<std::unique_ptr<Buffer>> Allocate(size_t size_bytes) = 0;
  // Errors: kUnsupported naming the op and the reason.
  virtual Status Supports(const Plan& plan) const = 0;
  virtual Result<std::shared_ptr<Executable>> Compile(std::shared_ptr<const Plan> plan) = 0;
  virtual DeviceCounters counters() const { return {}; }
};

}  // namespace espalier
