// Programs as command buffers, recorded once and submitted again unchanged.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "runtime/backend/vulkan/descriptor_sets.h"
#include "runtime/backend/vulkan/program.h"

namespace espalier::vulkan {

// Where a program's row counts and group counts lie in the state's small host buffer.
struct RunParameters {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceSize groups_offset = 0;  // a VkDispatchIndirectCommand per dispatch that needs one
};

// One thread at a time.
class Recorder {
 public:
  static Result<std::unique_ptr<Recorder>> Create(Device* device, const Pipelines& pipelines);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // One command buffer per segment, which lives as long as the recorder. contents[i]: the set of
  // dispatch i. Errors: kExhausted.
  Result<std::vector<VkCommandBuffer>> Record(const Program& program,
                                              const std::vector<SetContents>& contents,
                                              const DescriptorSets& sets,
                                              const RunParameters& parameters);

 private:
  Recorder(Device* device, const Pipelines& pipelines) : device_(*device), pipelines_(pipelines) {}
  Result<VkCommandBuffer> Begin();
  Status End(VkCommandBuffer commands);
  void Barrier(VkCommandBuffer commands, VkPipelineStageFlags from, VkPipelineStageFlags to,
               VkAccessFlags read);

  Device& device_;
  const Pipelines& pipelines_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
};

}  // namespace espalier::vulkan
