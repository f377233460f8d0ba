// espalier devices: what --device and --microphone may name.
#include "apps/cli/client/devices.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/live/microphone.h"
#include "apps/cli/verb.h"
#include "apps/cli/writers/json_values.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

class DevicesVerb final : public Verb {
 public:
  void AddOptions(CLI::App&) override {}

  Result<int> Run(VerbContext& context) override {
    ESP_ASSIGN_OR_RETURN(const std::vector<ComputeDevice> devices, ListComputeDevices());
    // A machine without any sound system has none, which is no failure.
    const Result<std::vector<CaptureDevice>> found = ListCaptureDevices();
    const std::vector<CaptureDevice> capture = found.ok() ? *found : std::vector<CaptureDevice>();
    ESP_RETURN_IF_ERROR(context.console.Write(context.console.json() ? Json(devices, capture)
                                                                     : Text(devices, capture)));
    return 0;
  }

 private:
  static std::string Text(const std::vector<ComputeDevice>& devices,
                          const std::vector<CaptureDevice>& capture) {
    std::string text;
    for (const ComputeDevice& device : devices) {
      text +=
          StrFormat("%-12s %-6s %s", device.id.c_str(), device.kind.c_str(), device.name.c_str());
      if (!device.detail.empty()) text += " (" + device.detail + ")";
      if (device.memory_bytes > 0) {
        text += StrFormat(", %.1f GB", static_cast<double>(device.memory_bytes) / 1e9);
      }
      if (!device.uuid.empty()) text += ", uuid " + device.uuid;
      if (!device.refusal.empty()) text += ": cannot be used: " + device.refusal;
      text += "\n";
    }
    for (const CaptureDevice& device : capture) {
      text += StrFormat("%-12s %-6s %s (%s, %d channels)%s\n",
                        ("microphone:" + std::to_string(device.id)).c_str(), "audio",
                        device.name.c_str(), device.host.c_str(), device.channels,
                        device.is_default ? ", default" : "");
    }
    return text;
  }

  static std::string Json(const std::vector<ComputeDevice>& devices,
                          const std::vector<CaptureDevice>& capture) {
    auto list = nlohmann::ordered_json::array();
    for (const ComputeDevice& device : devices) {
      list.push_back({{"id", device.id},
                      {"kind", device.kind},
                      {"name", device.name},
                      {"detail", device.detail},
                      {"uuid", device.uuid},
                      {"refusal", device.refusal},
                      {"memory_bytes", device.memory_bytes}});
    }
    auto microphones = nlohmann::ordered_json::array();
    for (const CaptureDevice& device : capture) {
      microphones.push_back({{"id", device.id},
                             {"name", device.name},
                             {"host", device.host},
                             {"channels", device.channels},
                             {"default_rate", device.default_rate},
                             {"is_default", device.is_default}});
    }
    return DumpLine({{"devices", list}, {"microphones", microphones}});
  }
};

}  // namespace

std::unique_ptr<Verb> MakeDevicesVerb() { return std::make_unique<DevicesVerb>(); }

}  // namespace espalier::cli
