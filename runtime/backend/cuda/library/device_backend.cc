#include "runtime/backend/cuda/library/device_backend.h"

#include <utility>

#include "runtime/backend/cuda/library/device_buffer.h"
#include "runtime/backend/cuda/library/executable.h"
#include "runtime/backend/host/host_state.h"
#include "runtime/base/string_format.h"

namespace espalier::cuda {
namespace {

class DeviceBackend final : public Backend {
 public:
  static Result<std::unique_ptr<Backend>> Open(const DeviceOptions& options) {
    Functions functions;
    if (options.adjust_functions) options.adjust_functions(&functions);
    std::unique_ptr<DeviceBackend> backend(new DeviceBackend());  // NOLINT: private
    ESP_ASSIGN_OR_RETURN(backend->device_, Device::Open(options.device, functions));
    Device* const device = backend->device_.get();
    backend->memory_ = std::make_unique<MemoryPool>(device, options.block_bytes);
    ESP_ASSIGN_OR_RETURN(backend->transfer_, Transfer::Create(device));
    ESP_ASSIGN_OR_RETURN(backend->products_, Products::Create(device));
    backend->weights_ =
        std::make_unique<WeightStore>(backend->memory_.get(), backend->transfer_.get());
    backend->rounding_ = options.products;
    return std::unique_ptr<Backend>(std::move(backend));
  }

  const DeviceInfo& info() const override { return device_->info(); }

  Result<std::unique_ptr<Buffer>> Allocate(size_t size_bytes) override {
    ESP_ASSIGN_OR_RETURN(auto memory, memory_->Allocate(size_bytes));
    ESP_RETURN_IF_ERROR(transfer_->Clear(memory));
    return std::unique_ptr<Buffer>(
        std::make_unique<DeviceBuffer>(std::move(memory), transfer_.get()));
  }

  Status Supports(const Plan& plan) const override {
    for (const Op& op : plan.ops) {
      const auto* conv = std::get_if<DepthwiseConvOp>(&op);
      if (conv == nullptr) continue;
      const Weight& weight = plan.weights[static_cast<size_t>(conv->weight.index)];
      if (weight.columns <= kWidestDepthwise) continue;
      return Unsupported(StrFormat("%s: DepthwiseConv %s has a kernel of %lld, at most %d is done",
                                   plan.name.c_str(), weight.name.c_str(),
                                   static_cast<long long>(weight.columns), kWidestDepthwise));
    }
    return CheckHostPlan(plan);  // the same storage types of weights
  }

  Result<std::shared_ptr<Executable>> Compile(std::shared_ptr<const Plan> plan) override {
    ESP_RETURN_IF_ERROR(plan->Validate());
    ESP_RETURN_IF_ERROR(Supports(*plan));
    return CudaExecutable::Compile({.device = *device_,
                                    .memory = *memory_,
                                    .transfer = *transfer_,
                                    .weights = *weights_,
                                    .products = *products_,
                                    .rounding = rounding_},
                                   std::move(plan));
  }

  DeviceCounters counters() const override {
    const Counters& counters = device_->counters();
    return {.dispatches = counters.dispatches,
            .submits = counters.submits,
            .command_buffers = counters.graphs,
            .written_bytes = counters.written_bytes,
            .read_bytes = counters.read_bytes,
            .memory_bytes = counters.memory_bytes,
            .reserved_bytes = counters.reserved_bytes};
  }

 private:
  DeviceBackend() = default;

  // In the order in which they are made; destroyed in reverse.
  std::unique_ptr<Device> device_;
  std::unique_ptr<MemoryPool> memory_;
  std::unique_ptr<Transfer> transfer_;
  std::unique_ptr<Products> products_;
  std::unique_ptr<WeightStore> weights_;
  CudaOptions::Products rounding_ = CudaOptions::Products::kByStorage;
};

}  // namespace

Result<std::unique_ptr<Backend>> OpenDevice(const DeviceOptions& options) {
  return DeviceBackend::Open(options);
}

}  // namespace espalier::cuda
