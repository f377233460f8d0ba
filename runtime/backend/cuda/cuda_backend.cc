#include "runtime/backend/cuda/cuda_backend.h"

#include <dlfcn.h>

#include <filesystem>

#include "runtime/backend/cuda/entry.h"
#include "runtime/base/env.h"

namespace espalier {
namespace {

constexpr char kLibrary[] = "libespalier_cuda.so";

std::string BesideTheProgram() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto path = program.parent_path() / kLibrary;
  return !error && std::filesystem::exists(path, error) ? path.string() : std::string();
}

std::string PathOf(const std::string& named) {
  if (!named.empty()) return named;
  if (const auto from_environment = GetEnv("ESPALIER_CUDA_LIBRARY")) return *from_environment;
  const std::string beside = BesideTheProgram();
  return beside.empty() ? kLibrary : beside;
}

// The library stays open: its objects' code lies there.
Result<const CudaEntry*> OpenLibrary(const std::string& named) {
  const std::string path = PathOf(named);
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    return Unsupported("the CUDA library cannot be opened: " +
                       std::string(reason != nullptr ? reason : path));
  }
  const auto function = reinterpret_cast<CudaEntryFunction>(dlsym(library, kCudaEntryName));
  if (function == nullptr) return Unsupported(path + " is not Espalier's CUDA library");
  const CudaBuild build;
  const CudaEntry* const entry = function(&build);
  if (entry == nullptr) return Unsupported(path + " belongs to another build of Espalier");
  return entry;
}

}  // namespace

Result<std::unique_ptr<Backend>> MakeCudaBackend(CudaOptions options) {
  const auto products = GetEnv("ESPALIER_CUDA_PRODUCTS");
  if (products.has_value() && *products == "f32") options.products = CudaOptions::Products::kF32;
  ESP_ASSIGN_OR_RETURN(const CudaEntry* entry, OpenLibrary(options.library));
  return entry->open(options);
}

std::vector<DeviceInfo> ListCudaDevices(const std::string& library) {
  const auto entry = OpenLibrary(library);
  if (entry.ok()) return (*entry)->list();
  return {{.id = "cuda",
           .kind = "gpu",
           .name = "CUDA",
           .detail = "",
           .refusal = entry.status().message()}};
}

}  // namespace espalier
