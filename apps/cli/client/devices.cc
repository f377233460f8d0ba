#include "apps/cli/client/devices.h"

#include "apps/cli/client/c_status.h"

namespace espalier::cli {

Result<std::vector<ComputeDevice>> ListComputeDevices() {
  std::vector<ComputeDevice> devices;
  for (int32_t i = 0; i < esp_device_count(); ++i) {
    esp_device_info info;
    esp_device_info_init(&info);
    ESP_RETURN_IF_ERROR(FromC(esp_device(i, &info)));
    devices.push_back({.id = info.id,
                       .kind = info.kind,
                       .name = info.name,
                       .detail = info.detail,
                       .uuid = info.uuid,
                       .refusal = info.refusal,
                       .memory_bytes = info.memory_bytes});
  }
  return devices;
}

}  // namespace espalier::cli
