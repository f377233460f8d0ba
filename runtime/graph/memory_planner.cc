#include "runtime/graph/memory_planner.h"

#include <algorithm>
#include <limits>

#include "runtime/graph/op_visit.h"

namespace espalier {
namespace {

constexpr int64_t kAlignment = 64;  // a cache line, and the widest vector

struct Lifetime {
  int32_t first = std::numeric_limits<int32_t>::max();
  int32_t last = -1;
  bool used() const { return last >= 0; }
  bool Meets(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

class LifetimeVisitor {
 public:
  explicit LifetimeVisitor(size_t slot_count) : lifetimes_(slot_count) {}
  void set_op(int32_t op) { op_ = op; }
  void Read(const char*, const TensorRef& ref) { Touch(ref); }
  void Write(const char*, const TensorRef& ref) { Touch(ref); }
  void Update(const char*, const TensorRef& ref) { Touch(ref); }
  void Constant(const char*, const WeightRef&) {}
  template <typename T>
  void Parameter(const char*, T) {}
  void Touch(const TensorRef& ref) {
    if (!ref.present()) return;
    Lifetime& life = lifetimes_[static_cast<size_t>(ref.slot)];
    life.first = std::min(life.first, op_);
    life.last = std::max(life.last, op_);
  }
  const std::vector<Lifetime>& lifetimes() const { return lifetimes_; }

 private:
  int32_t op_ = 0;
  std::vector<Lifetime> lifetimes_;
};

}  // namespace

void PlaceSlots(Plan* plan) {
  LifetimeVisitor visitor(plan->slots.size());
  for (size_t i = 0; i < plan->ops.size(); ++i) {
    visitor.set_op(static_cast<int32_t>(i));
    VisitOperands(plan->ops[i], visitor);
  }
  visitor.set_op(static_cast<int32_t>(plan->ops.size()));
  for (const Tap& tap : plan->taps) visitor.Touch(tap.value);

  // Largest first, each at the lowest offset that is free during its whole life.
  std::vector<size_t> order;
  for (size_t i = 0; i < plan->slots.size(); ++i) {
    if (plan->slots[i].external < 0 && visitor.lifetimes()[i].used()) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [plan](size_t a, size_t b) {
    return plan->MaxBytes(plan->slots[a]) > plan->MaxBytes(plan->slots[b]);
  });
  std::vector<size_t> placed;  // by rising offset
  plan->arena_bytes = 0;
  for (const size_t i : order) {
    Slot& slot = plan->slots[i];
    const int64_t size = (plan->MaxBytes(slot) + kAlignment - 1) / kAlignment * kAlignment;
    int64_t offset = 0;
    for (const size_t j : placed) {
      const Slot& other = plan->slots[j];
      if (!visitor.lifetimes()[i].Meets(visitor.lifetimes()[j])) continue;
      if (offset + size <= other.offset_bytes) break;
      const int64_t end =
          other.offset_bytes + (plan->MaxBytes(other) + kAlignment - 1) / kAlignment * kAlignment;
      offset = std::max(offset, end);
    }
    slot.offset_bytes = offset;
    plan->arena_bytes = std::max(plan->arena_bytes, offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [plan](size_t a, size_t b) {
                                     return plan->slots[a].offset_bytes <
                                            plan->slots[b].offset_bytes;
                                   }),
                  i);
  }
}

}  // namespace espalier
