// What ops/<op>.cc writes to: turns an op's references into bindings, offsets and row counts, and
// adds dispatches to a program.
#pragma once

#include <cstring>
#include <span>
#include <variant>
#include <vector>

#include "runtime/backend/vulkan/program.h"
#include "runtime/backend/vulkan/tuning.h"
#include "runtime/graph/op.h"

namespace espalier::vulkan {

// Where an operand's window begins in what is bound, in elements.
struct Tensor {
  int32_t slot = -1;
  uint32_t base = 0;
  uint32_t stride = 0;   // between rows
  bool is_half = false;  // elements are f16, two to a word

  Binding Read() const { return {.slot = slot}; }
  Binding Write() const { return {.slot = slot, .written = true}; }
};

// What an op asks of a dispatch; Lowering makes a Dispatch of it.
struct DispatchRequest {
  Shader shader;
  std::vector<uint32_t> constants;  // by constant_id
  std::vector<Binding> bindings;    // from binding 1 on
  GridAxis x = {}, y = {};
};

class Lowering {
 public:
  // `kept`: takes the weights that the program reads.
  Lowering(const Plan& plan, const PhysicalDevice& device, const Tuning& tuning,
           Pipelines* pipelines, WeightStore* weights,
           std::vector<std::shared_ptr<const DeviceWeight>>* kept, Program* program)
      : plan_(plan),
        device_(device),
        tuning_(tuning),
        pipelines_(*pipelines),
        weights_(*weights),
        kept_(*kept),
        program_(*program) {}

  const Tuning& tuning() const { return tuning_; }
  void set_op(size_t op_index) { op_index_ = op_index; }

  Tensor At(const TensorRef& ref) const;
  // Row count of the operand as in shaders/params/params.h, and the most that this program runs.
  uint32_t Rows(const TensorRef& ref) const;
  int32_t MostRows(const TensorRef& ref) const;

  const Weight& WeightOf(const WeightRef& ref) const {
    return plan_.weights[static_cast<size_t>(ref.index)];
  }
  // Errors: those of WeightStore::Get.
  Result<const DeviceWeight*> Upload(const WeightRef& ref, const WeightLayout& layout);
  // A weight in one piece, or no binding for a missing operand.
  Result<Binding> UploadFloats(const WeightRef& ref, WeightLayout::Order order);

  // Errors: kUnsupported (more workgroups than the device takes), those of Pipelines::Get.
  template <typename Params>
  Status Add(const DispatchRequest& request, const Params& params) {
    return Add(request, std::as_bytes(std::span(&params, 1)));
  }

 private:
  Status Add(const DispatchRequest& request, std::span<const std::byte> params);

  const Plan& plan_;
  const PhysicalDevice& device_;
  const Tuning& tuning_;
  Pipelines& pipelines_;
  WeightStore& weights_;
  std::vector<std::shared_ptr<const DeviceWeight>>& kept_;
  Program& program_;
  size_t op_index_ = 0;
};

// One overload per op; each is defined in ops/<op>.cc. Errors: those of Lowering.
#define ESP_OP(name) Status Lower(const name##Op& op, Lowering& lowering);
#include "runtime/graph/op_list.inc"
#undef ESP_OP

// Ends the variant; Plan::Validate refuses it.
inline Status Lower(const std::monostate&, Lowering&) { return OkStatus(); }

}  // namespace espalier::vulkan
