// espalier doctor: what would go wrong here, a line per check.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/client/devices.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/verb.h"
#include "apps/cli/version.h"
#include "apps/cli/writers/json_values.h"
#include "runtime/base/env.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

enum class Verdict { kOk, kMissing, kFailed };

struct Check {
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string detail;
};

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kMissing:
      return "missing";
    case Verdict::kFailed:
      return "failed";
  }
  return "";
}

// Where a program of this name is, as exec would find it.
std::string FindProgram(const std::string& name) {
  const std::string path = GetEnv("PATH").value_or("/usr/bin:/bin");
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string file = path.substr(begin, end - begin) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    begin = end + 1;
  }
  return {};
}

Check FfmpegCheck() {
  const std::string file = FindProgram("ffmpeg");
  if (!file.empty()) return {"ffmpeg", Verdict::kOk, file};
  return {"ffmpeg", Verdict::kMissing,
          "not on the PATH: M4A, MP4, WebM, AMR and WMA cannot be read (WAV, FLAC, MP3, Ogg, Opus "
          "can)"};
}

Check DeviceCheck(const ComputeDevice& device) {
  if (!device.refusal.empty()) {
    return {"device", Verdict::kMissing, device.id + ": " + device.refusal};
  }
  return {"device", Verdict::kOk, device.id + ": " + device.name + ", " + device.detail};
}

class DoctorVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    model_.AddModelTo(app);
    model_.AddDeviceTo(app);
  }

  Result<int> Run(VerbContext& context) override {
    std::vector<Check> checks = {{"version", Verdict::kOk, kVersion}};
    ESP_ASSIGN_OR_RETURN(const std::vector<ComputeDevice> devices, ListComputeDevices());
    for (const ComputeDevice& device : devices) checks.push_back(DeviceCheck(device));
    checks.push_back(FfmpegCheck());
    const Status model = CheckModel(&checks);
    ESP_RETURN_IF_ERROR(
        context.console.Write(context.console.json() ? Json(checks) : Text(checks)));
    return model.ok() ? 0 : ExitCode(model.code());
  }

 private:
  // No model named is no failure; one that cannot be opened is.
  Status CheckModel(std::vector<Check>* checks) const {
    const Result<std::string> folder = model_.Folder();
    if (!folder.ok()) {
      checks->push_back({"model", Verdict::kMissing, folder.status().message()});
      return OkStatus();
    }
    const Result<std::unique_ptr<Model>> model = model_.Open(1);
    if (!model.ok()) {
      checks->push_back({"model", Verdict::kFailed, model.status().message()});
      return model.status();
    }
    checks->push_back({"model", Verdict::kOk,
                       StrFormat("%s: %.1f million parameters, read in %.2f s", folder->c_str(),
                                 static_cast<double>((*model)->parameter_count()) / 1e6,
                                 (*model)->load_seconds())});
    return OkStatus();
  }

  static std::string Text(const std::vector<Check>& checks) {
    std::string text;
    for (const Check& check : checks) {
      text += StrFormat("%-8s %-8s %s\n", VerdictName(check.verdict), check.name.c_str(),
                        check.detail.c_str());
    }
    return text;
  }

  static std::string Json(const std::vector<Check>& checks) {
    auto list = nlohmann::ordered_json::array();
    for (const Check& check : checks) {
      list.push_back({{"name", check.name},
                      {"ok", check.verdict == Verdict::kOk},
                      {"verdict", VerdictName(check.verdict)},
                      {"detail", check.detail}});
    }
    return DumpLine({{"checks", list}});
  }

  ModelOptions model_;
};

}  // namespace

std::unique_ptr<Verb> MakeDoctorVerb() { return std::make_unique<DoctorVerb>(); }

}  // namespace espalier::cli
