// espalier devices: what --device may name.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/verb.h"
#include "apps/cli/writers/json_values.h"
#include "runtime/base/string_format.h"
#include "runtime/session/engine.h"

namespace espalier::cli {
namespace {

class DevicesVerb final : public Verb {
 public:
  void AddOptions(CLI::App&) override {}

  Result<int> Run(VerbContext& context) override {
    const std::vector<DeviceInfo> devices = ListDevices();
    ESP_RETURN_IF_ERROR(
        context.console.Write(context.console.json() ? Json(devices) : Text(devices)));
    return 0;
  }

 private:
  static std::string Text(const std::vector<DeviceInfo>& devices) {
    std::string text;
    for (const DeviceInfo& device : devices) {
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
    return text;
  }

  static std::string Json(const std::vector<DeviceInfo>& devices) {
    auto list = nlohmann::ordered_json::array();
    for (const DeviceInfo& device : devices) {
      list.push_back({{"id", device.id},
                      {"kind", device.kind},
                      {"name", device.name},
                      {"detail", device.detail},
                      {"uuid", device.uuid},
                      {"refusal", device.refusal},
                      {"memory_bytes", device.memory_bytes}});
    }
    return DumpLine({{"devices", list}});
  }
};

}  // namespace

std::unique_ptr<Verb> MakeDevicesVerb() { return std::make_unique<DevicesVerb>(); }

}  // namespace espalier::cli
