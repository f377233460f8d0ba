#include "cuda/emu/emulator.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <random>
#include <vector>

namespace espalier::emu {

__thread Index thread_index, block_index, block_size, grid_size;
__thread unsigned char* dynamic_shared = nullptr;

namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr unsigned kWarp = 32;
constexpr unsigned kWholeWarp = 0xFFFFFFFFu;
constexpr size_t kStackBytes = 256 << 10;
// Stacks begin at different places within their pages: else all would meet in the same few lines of
// the processor's caches.
constexpr size_t kStagger = 5 * 64, kStaggerRange = 16 << 10;
// Limits that every device since sm_80 has; more shared memory would have to be asked for.
constexpr unsigned kMostThreads = 1024, kMostGridYZ = 65535;
constexpr size_t kMostSharedBytes = 48 << 10;

Order chosen_order = Order::kForward;

// A stack on which threads run, one after another until one waits.
struct Fiber {
  Fiber()
      : stack(static_cast<char*>(mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    // An overflow faults instead of reaching the neighbour's stack.
    mprotect(stack, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE);
  }
  ~Fiber() { munmap(stack, kStackBytes); }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  char* stack;
  fcontext_t context = nullptr;
};

struct Thread {
  enum class State { kUnstarted, kReady, kAtBlock, kAtWarp, kDone };
  State state = State::kUnstarted;
  Index index;
  unsigned number = 0;
  Fiber* fiber = nullptr;

  unsigned warp() const { return number / kWarp; }
  unsigned lane() const { return number % kWarp; }
};

struct Warp {
  unsigned arrived = 0;
  unsigned living = 0;
  unsigned lanes = 0;  // of the launch: the last warp may be short
  // Two slots a lane, used in turn: a lane that runs ahead cannot overwrite what another still
  // reads.
  unsigned turn[kWarp] = {};
  uint64_t slot[2][kWarp] = {};
  // Of a product on the tensor cores, in the same turns: A by row, B by column.
  float left[2][16][16] = {};
  float right[2][8][16] = {};
};

// Runs blocks on one host thread.
class Runner {
 public:
  void RunBlock(const char* kernel, const std::function<void()>& body);
  void SyncBlock();
  void SyncWarp(unsigned mask);
  uint64_t Shuffle(unsigned mask, uint64_t value, int source);
  void MultiplyAdd(float (&d)[4], const float (&elements)[12]);
  void LoadMatrices(uint32_t (&to)[4], const void* row, bool transposed);
  int lane() const { return static_cast<int>(current_->lane()); }

 private:
  static void Enter(transfer_t from);
  void Work();
  void Prepare();
  void Resume(Fiber* fiber);
  void Wait(Thread::State state);
  void ReleaseBlockIfComplete();
  [[noreturn]] void Die(const char* what) const;

  const char* kernel_ = "";
  const std::function<void()>* body_ = nullptr;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::vector<unsigned> order_;  // of thread numbers
  size_t next_ = 0;              // in order_: the first thread that has not started
  unsigned living_ = 0, at_block_ = 0;
  Thread* current_ = nullptr;
  std::deque<Fiber> fibers_;
  std::vector<Fiber*> idle_;
  fcontext_t scheduler_ = nullptr;
};

thread_local Runner runner;

void Runner::Die(const char* what) const {
  std::fprintf(stderr, "CUDA emulation: kernel %s, block (%u, %u, %u): %s\n", kernel_,
               block_index.x, block_index.y, block_index.z, what);
  std::abort();
}

void Runner::Prepare() {
  const unsigned count = block_size.x * block_size.y * block_size.z;
  threads_.assign(count, {});
  warps_.assign((count + kWarp - 1) / kWarp, {});
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), 0u);
  if (chosen_order == Order::kReverse) std::reverse(order_.begin(), order_.end());
  if (chosen_order == Order::kShuffled) {
    std::shuffle(order_.begin(), order_.end(), std::mt19937(block_index.x * 7919 + block_index.y));
  }
  for (unsigned i = 0; i < count; ++i) {
    threads_[i].number = i;
    threads_[i].index = {i % block_size.x, i / block_size.x % block_size.y,
                         i / (block_size.x * block_size.y)};
    warps_[i / kWarp].lanes |= 1u << i % kWarp;
  }
  for (Warp& warp : warps_) warp.living = warp.lanes;
  living_ = count;
  at_block_ = 0;
  next_ = 0;
}

void Runner::Enter(transfer_t from) {
  runner.scheduler_ = from.fctx;
  runner.Work();
}

// A fiber's life: threads that have not started, one after another, until none is left.
void Runner::Work() {
  for (;;) {
    Fiber* const fiber = idle_.back();
    idle_.pop_back();
    while (next_ < order_.size()) {
      Thread& thread = threads_[order_[next_++]];
      thread.fiber = fiber;
      current_ = &thread;
      thread_index = thread.index;
      (*body_)();
      current_->state = Thread::State::kDone;
      warps_[current_->warp()].living &= ~(1u << current_->lane());
      --living_;
      ReleaseBlockIfComplete();
    }
    idle_.push_back(fiber);
    scheduler_ = jump_fcontext(scheduler_, nullptr).fctx;
  }
}

void Runner::Resume(Fiber* fiber) { fiber->context = jump_fcontext(fiber->context, nullptr).fctx; }

void Runner::Wait(Thread::State state) {
  Thread* const me = current_;
  me->state = state;
  scheduler_ = jump_fcontext(scheduler_, nullptr).fctx;
  current_ = me;
  thread_index = me->index;
}

void Runner::RunBlock(const char* kernel, const std::function<void()>& body) {
  kernel_ = kernel;
  body_ = &body;
  Prepare();
  while (next_ < order_.size()) {
    if (idle_.empty()) {
      Fiber& made = fibers_.emplace_back();
      const size_t unused = fibers_.size() * kStagger % kStaggerRange;
      made.context = make_fcontext(made.stack + kStackBytes - unused, kStackBytes - unused, Enter);
      idle_.push_back(&made);
    }
    // Takes itself off the idle ones; what waits meanwhile keeps its fiber.
    Resume(idle_.back());
  }
  while (living_ > 0) {
    bool progress = false;
    for (const unsigned number : order_) {
      if (threads_[number].state != Thread::State::kReady) continue;
      progress = true;
      Resume(threads_[number].fiber);
    }
    if (!progress && living_ > 0) {
      Die("a barrier or warp operation that not every thread reaches");
    }
  }
}

void Runner::ReleaseBlockIfComplete() {
  // As since sm_70: threads that have left do not take part.
  if (living_ == 0 || at_block_ != living_) return;
  at_block_ = 0;
  for (Thread& thread : threads_) {
    if (thread.state == Thread::State::kAtBlock) thread.state = Thread::State::kReady;
  }
}

void Runner::SyncBlock() {
  ++at_block_;
  current_->state = Thread::State::kAtBlock;
  ReleaseBlockIfComplete();
  if (current_->state == Thread::State::kAtBlock) Wait(Thread::State::kAtBlock);
}

void Runner::SyncWarp(unsigned mask) {
  Warp& warp = warps_[current_->warp()];
  mask &= warp.lanes;
  if ((mask >> current_->lane() & 1) == 0) Die("a warp operation's mask leaves its caller out");
  if ((mask & ~warp.living) != 0) Die("a warp operation names a lane that has left");
  warp.arrived |= 1u << current_->lane();
  if ((warp.arrived & mask) != mask) return Wait(Thread::State::kAtWarp);
  warp.arrived &= ~mask;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    const unsigned number = current_->warp() * kWarp + lane;
    if ((mask >> lane & 1) != 0 && threads_[number].state == Thread::State::kAtWarp) {
      threads_[number].state = Thread::State::kReady;
    }
  }
}

uint64_t Runner::Shuffle(unsigned mask, uint64_t value, int source) {
  Warp& warp = warps_[current_->warp()];
  const unsigned lane = current_->lane();
  const unsigned turn = warp.turn[lane] ^= 1;
  warp.slot[turn][lane] = value;
  SyncWarp(mask);
  return warp.slot[turn][source & 31];
}

void Runner::MultiplyAdd(float (&d)[4], const float (&elements)[12]) {
  Warp& warp = warps_[current_->warp()];
  const unsigned lane = current_->lane(), row = lane / 4, column = lane % 4 * 2;
  const unsigned turn = warp.turn[lane] ^= 1;
  for (unsigned i = 0; i < 8; ++i) {
    warp.left[turn][row + i / 2 % 2 * 8][column + i / 4 * 8 + i % 2] = elements[i];
  }
  for (unsigned i = 0; i < 4; ++i) {
    warp.right[turn][row][column + i / 2 * 8 + i % 2] = elements[8 + i];
  }
  SyncWarp(kWholeWarp);
  for (unsigned i = 0; i < 4; ++i) {
    const float* const a = warp.left[turn][row + i / 2 * 8];
    const float* const b = warp.right[turn][column + i % 2];
    float sum = 0.0f;
    for (unsigned k = 0; k < 16; ++k) sum += a[k] * b[k];
    d[i] += sum;
  }
}

void Runner::LoadMatrices(uint32_t (&to)[4], const void* row, bool transposed) {
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) Die("a matrix's row at no multiple of 16 bytes");
  Warp& warp = warps_[current_->warp()];
  const unsigned lane = current_->lane(), major = lane / 4, minor = lane % 4 * 2;
  const unsigned turn = warp.turn[lane] ^= 1;
  warp.slot[turn][lane] = reinterpret_cast<uint64_t>(row);
  SyncWarp(kWholeWarp);
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    uint16_t pair[2];
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned r = transposed ? minor + i : major, c = transposed ? major : minor + i;
      const uint64_t from = warp.slot[turn][matrix * 8 + r];
      std::memcpy(&pair[i], reinterpret_cast<const uint16_t*>(from) + c, sizeof(uint16_t));
    }
    to[matrix] = pair[0] | static_cast<uint32_t>(pair[1]) << 16;
  }
}

bool IsRefused(dim3 grid, dim3 block, size_t shared_bytes) {
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  return threads == 0 || threads > kMostThreads || block.z > 64 || grid.x == 0 || grid.y == 0 ||
         grid.z == 0 || grid.x > 0x7FFFFFFFu || grid.y > kMostGridYZ || grid.z > kMostGridYZ ||
         shared_bytes > kMostSharedBytes;
}

}  // namespace

void SetOrder(Order order) { chosen_order = order; }
void SyncBlock() { runner.SyncBlock(); }
void SyncWarp(unsigned mask) { runner.SyncWarp(mask); }
int Lane() { return runner.lane(); }
void MultiplyAdd(float (&d)[4], const float (&elements)[12]) { runner.MultiplyAdd(d, elements); }
void LoadMatrices(uint32_t (&to)[4], const void* row, bool transposed) {
  runner.LoadMatrices(to, row, transposed);
}
uint64_t Shuffle(unsigned mask, uint64_t value, int source) {
  return runner.Shuffle(mask, value, source);
}

void Launch(const char* kernel, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
            std::function<void()> body) {
  if (IsRefused(grid, block, shared_bytes)) return SetLastError(cudaErrorInvalidConfiguration);
  Enqueue(stream, [=, body = std::move(body)] {
    // Never zeros: reading before writing shows. 16 bytes, as the largest vector load.
    std::vector<uint64_t> shared(shared_bytes / 8 + 3, 0xCDCDCDCDCDCDCDCDu);
    auto* const bytes = reinterpret_cast<unsigned char*>(shared.data());
    dynamic_shared = bytes + (16 - reinterpret_cast<uintptr_t>(bytes) % 16) % 16;
    grid_size = {grid.x, grid.y, grid.z};
    block_size = {block.x, block.y, block.z};
    for (unsigned z = 0; z < grid.z; ++z) {
      for (unsigned y = 0; y < grid.y; ++y) {
        for (unsigned x = 0; x < grid.x; ++x) {
          block_index = {x, y, z};
          runner.RunBlock(kernel, body);
        }
      }
    }
  });
}

}  // namespace espalier::emu
