#include "runtime/capi/model.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "runtime/base/string_format.h"
#include "runtime/capi/espalier.h"
#include "runtime/capi/guard.h"
#include "runtime/checkpoint/model_files.h"
#include "runtime/session/context.h"
#include "runtime/session/window.h"

namespace espalier::capi {
namespace {

// Made once and never freed: esp_device's strings are valid for ever.
const std::vector<DeviceInfo>& Devices() {
  static const auto* const devices = new std::vector<DeviceInfo>(ListDevices());
  return *devices;
}

std::string TextOr(const char* text, const char* otherwise) {
  return text != nullptr ? text : otherwise;
}

// One language as its users write it: "en" for "<eng>".
std::string ShownLanguage(const Engine& engine, const std::string& name) {
  const Result<Context> context = ResolveContext(engine, name, "transcribe");
  return context.ok() ? context->language : name;
}

// Where the model is: a folder, or files one by one.
struct ModelPlace {
  std::string folder = {};
  std::optional<ModelFiles> files = {};
};

Result<FileBytes> BytesOf(const esp_model_file& file) {
  const int places = int{file.data != nullptr} + int{file.fd >= 0} + int{file.read != nullptr};
  if (places != 1) return InvalidArgument("exactly one of data, fd and read must be given");
  if (file.fd >= 0) return MapDescriptor(file.fd, file.offset, file.size > 0 ? file.size : -1);
  if (file.size < 0) return InvalidArgument("a negative size");
  const auto size = static_cast<size_t>(file.size);
  if (file.data != nullptr) {
    return FileBytes{.bytes = {static_cast<const uint8_t*>(file.data), size}};
  }
  const auto owner = std::make_shared<std::vector<uint8_t>>(size);
  if (size > 0 && file.read(file.user, 0, owner->data(), file.size) != file.size) {
    return NotFound("the reader gave fewer bytes than it was asked for");
  }
  return FileBytes{.bytes = *owner, .owner = owner};
}

Result<ModelFiles> FilesOf(const char* name, const esp_model_file* files, int32_t count) {
  if (name == nullptr || files == nullptr || count < 1) {
    return InvalidArgument("name or files are null, or there is none");
  }
  ModelFiles given = ModelFiles::Given(name);
  const size_t stride = files->struct_size;
  for (int32_t i = 0; i < count; ++i) {
    // Of an older caller's array, too, whose elements are shorter.
    const auto* each = reinterpret_cast<const esp_model_file*>(
        reinterpret_cast<const char*>(files) + static_cast<size_t>(i) * stride);
    esp_model_file file;
    esp_model_file_init(&file);
    ESP_RETURN_IF_ERROR(ReadStruct(each, &file));
    if (file.name == nullptr) return InvalidArgument(StrFormat("file %d has no name", i));
    Result<FileBytes> bytes = BytesOf(file);
    if (!bytes.ok()) return bytes.status().WithContext(given.PathOf(file.name));
    given.Add(file.name, *std::move(bytes));
  }
  return given;
}

Status Open(const ModelPlace& place, const esp_model_options& options, esp_model** out) {
  const auto progress = [&](double done) {
    return options.progress != nullptr && options.progress(done, options.progress_user) != 0;
  };
  if (progress(0.0)) return Cancelled("opening the model was given up");
  auto model = std::make_unique<esp_model>();
  model->files = place.files ? *place.files : ModelFiles::OfFolder(place.folder);
  ESP_ASSIGN_OR_RETURN(model->engine,
                       Engine::Open({.model_folder = place.folder,
                                     .files = place.files,
                                     .device = TextOr(options.device, "auto"),
                                     .threads = options.threads,
                                     .gates = TextOr(options.gates, "auto"),
                                     .beam_size_max = std::max(options.beam_size_max, 1)}));
  for (const std::string& name : LanguagesOf(*model->engine).names) {
    model->languages.push_back(ShownLanguage(*model->engine, name));
  }
  if (progress(1.0)) return Cancelled("opening the model was given up");
  Log(ESP_LOG_INFO, StrFormat("%s on %s, opened in %.2f s", model->engine->config().name.c_str(),
                              model->engine->device().id.c_str(), model->engine->load_seconds()));
  *out = model.release();
  return OkStatus();
}

esp_model_info InfoOf(const esp_model& model) {
  const ModelConfig& config = model.engine->config();
  const bool whisper = config.family == ModelFamily::kWhisper;
  esp_model_info info{};
  info.name = config.name.c_str();
  info.family = whisper ? "whisper" : "owsm";
  info.device = model.engine->device().id.c_str();
  info.sample_rate = config.frontend.sample_rate;
  info.max_window_ms =
      static_cast<int32_t>(WindowSamples(config) * 1000 / config.frontend.sample_rate);
  info.language_count = static_cast<int32_t>(model.languages.size());
  info.gate_count = config.gate ? AllOpen(config).gate_count() : 0;
  info.translates =  // into English, what the task "translate" is
      whisper ? config.whisper->multilingual
              : std::ranges::count(config.owsm->tasks, std::string("<st_eng>")) > 0;
  info.parameter_count = model.engine->parameter_count();
  info.device_name = model.engine->device().name.c_str();
  info.device_detail = model.engine->device().detail.c_str();
  info.load_s = model.engine->load_seconds();
  return info;
}

}  // namespace
}  // namespace espalier::capi

using namespace espalier;        // NOLINT(google-build-using-namespace): the C interface's names
using namespace espalier::capi;  // NOLINT(google-build-using-namespace): are all prefixed

extern "C" {

void esp_device_info_init(esp_device_info* info) { Initialize(info); }

int32_t esp_device_count(void) {
  int32_t count = 0;
  (void)Guard([&] {
    count = static_cast<int32_t>(Devices().size());
    return OkStatus();
  });
  return count;
}

esp_status esp_device(int32_t index, esp_device_info* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    if (index < 0 || index >= esp_device_count()) {
      return InvalidArgument(StrFormat("device %d of %d", index, esp_device_count()));
    }
    const DeviceInfo& device = Devices()[static_cast<size_t>(index)];
    return WriteStruct(esp_device_info{.struct_size = 0,
                                       .id = device.id.c_str(),
                                       .kind = device.kind.c_str(),
                                       .name = device.name.c_str(),
                                       .detail = device.detail.c_str(),
                                       .memory_bytes = device.memory_bytes,
                                       .uuid = device.uuid.c_str(),
                                       .refusal = device.refusal.c_str()},
                       out);
  });
}

void esp_model_options_init(esp_model_options* options) { Initialize(options); }

esp_status esp_model_open(const char* folder, const esp_model_options* options, esp_model** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (folder == nullptr || out == nullptr) return InvalidArgument("folder or model is null");
    esp_model_options own;
    esp_model_options_init(&own);
    ESP_RETURN_IF_ERROR(ReadStruct(options, &own));
    return Open({.folder = folder}, own, out);
  });
}

void esp_model_file_init(esp_model_file* file) {
  Initialize(file);
  if (file != nullptr) file->fd = -1;
}

esp_status esp_model_open_files(const char* name, const esp_model_file* files, int32_t count,
                                const esp_model_options* options, esp_model** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (out == nullptr) return InvalidArgument("model is null");
    esp_model_options own;
    esp_model_options_init(&own);
    ESP_RETURN_IF_ERROR(ReadStruct(options, &own));
    ESP_ASSIGN_OR_RETURN(ModelFiles given, FilesOf(name, files, count));
    return Open({.files = std::move(given)}, own, out);
  });
}

void esp_model_close(esp_model* model) { delete model; }

void esp_model_info_init(esp_model_info* info) { Initialize(info); }

esp_status esp_model_get_info(const esp_model* model, esp_model_info* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    if (model == nullptr) return InvalidArgument("the model is null");
    return WriteStruct(InfoOf(*model), out);
  });
}

const char* esp_model_language(const esp_model* model, int32_t index) {
  if (model == nullptr || index < 0 || static_cast<size_t>(index) >= model->languages.size()) {
    return nullptr;
  }
  return model->languages[static_cast<size_t>(index)].c_str();
}

}  // extern "C"
