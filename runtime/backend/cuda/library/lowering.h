// What ops/<op>.cc writes to: turns an op's references into operands and row counts, uploads
// weights, and adds steps to a program.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/backend/cuda/cuda_backend.h"
#include "runtime/backend/cuda/library/products.h"
#include "runtime/backend/cuda/library/program.h"
#include "runtime/backend/cuda/library/weights.h"
#include "runtime/graph/op.h"

namespace espalier::cuda {

// The parts of a backend. Owned by it; it outlives every executable and state.
struct Context {
  Device& device;
  MemoryPool& memory;
  Transfer& transfer;
  WeightStore& weights;
  Products& products;
  CudaOptions::Products rounding = CudaOptions::Products::kByStorage;
};

class Lowering {
 public:
  // `kept`: takes the weights that the program reads.
  Lowering(const Context& context, const Plan& plan,
           std::vector<std::shared_ptr<const DeviceWeight>>* kept, Program* program)
      : context_(context), plan_(plan), kept_(*kept), program_(*program) {}

  const Context& context() const { return context_; }
  void set_op(size_t op_index) { op_index_ = op_index; }

  Operand At(const TensorRef& ref) const;
  RowSource Rows(const TensorRef& ref) const;
  // In the arena: rows beyond the present count hold nothing that anybody reads.
  bool IsInArena(const TensorRef& ref) const;
  // Bytes that an operand's rows all begin at a multiple of, as far as 16 goes.
  uint32_t Alignment(const TensorRef& ref) const;

  // The 16-bit type to which the plan's products round their factors, attention's among them: its
  // weights', f16 for i8. f32 where nothing is rounded.
  Storage FactorStorage() const;

  const Weight& WeightOf(const WeightRef& ref) const {
    return plan_.weights[static_cast<size_t>(ref.index)];
  }
  // Errors: those of WeightStore::Get. A missing operand gives null.
  Result<const float*> Floats(const WeightRef& ref, const WeightLayout& layout = {});
  Result<Matrix> UploadMatrix(const WeightRef& ref, int64_t taps = 1);

  // `launch`: calls the launchers with a Frame; nothing but them may fail.
  template <typename Launch>
  void Add(Launch launch, int launches = 1) {
    Device& device = context_.device;
    AddStep(
        [launch = std::move(launch), &device](const Frame& frame) {
          launch(frame);
          return device.CheckLaunch("launch");
        },
        launches);
  }
  void AddStep(std::function<Status(const Frame&)> launch, int launches) {
    program_.steps.push_back({op_index_, launches, std::move(launch)});
  }
  void NeedScratch(size_t size_bytes) {
    program_.scratch_bytes = std::max(program_.scratch_bytes, size_bytes);
  }

 private:
  Result<const DeviceWeight*> Upload(const WeightRef& ref, const WeightLayout& layout);

  const Context& context_;
  const Plan& plan_;
  std::vector<std::shared_ptr<const DeviceWeight>>& kept_;
  Program& program_;
  size_t op_index_ = 0;
};

// One overload per op; each is defined in ops/<op>.cc. Errors: those of Lowering, kUnsupported.
#define ESP_OP(name) Status Lower(const name##Op& op, Lowering& lowering);
#include "runtime/graph/op_list.inc"
#undef ESP_OP

// Ends the variant; Plan::Validate refuses it.
inline Status Lower(const std::monostate&, Lowering&) { return OkStatus(); }

}  // namespace espalier::cuda
