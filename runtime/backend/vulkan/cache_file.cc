#include "runtime/backend/vulkan/cache_file.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "runtime/base/env.h"
#include "runtime/base/file.h"
#include "runtime/base/string_format.h"

namespace espalier::vulkan {
namespace {

constexpr size_t kLargestFile = size_t{64} << 20;

struct Header {
  char magic[8] = {'E', 'S', 'P', 'V', 'K', 'P', 'C', '1'};
  uint64_t size = 0;
  uint64_t checksum = 0;
};

// FNV-1a, 64 bits.
uint64_t Checksum(const std::string& bytes) {
  uint64_t sum = 14695981039346656037u;
  for (const char byte : bytes) sum = (sum ^ static_cast<uint8_t>(byte)) * 1099511628211u;
  return sum;
}

}  // namespace

std::string CacheFolder() {
  if (const auto folder = GetEnv("XDG_CACHE_HOME")) return *folder + "/espalier";
  if (const auto home = GetEnv("HOME")) return *home + "/.cache/espalier";
  return "";
}

std::string CacheFileName(const PhysicalDevice& device) {
  return StrFormat("vulkan-%04x-%04x-%08x-%s.bin", device.vendor_id, device.device_id,
                   device.driver_version, device.uuid.c_str());
}

std::string ReadCacheFile(const std::string& path) {
  const Result<std::string> file = ReadFile(path, kLargestFile);
  Header header;
  if (!file.ok() || file->size() < sizeof(header)) return "";
  std::memcpy(&header, file->data(), sizeof(header));
  std::string data = file->substr(sizeof(header));
  const bool is_ours = std::memcmp(header.magic, Header().magic, sizeof(header.magic)) == 0;
  return is_ours && header.size == data.size() && header.checksum == Checksum(data) ? data : "";
}

void WriteCacheFile(const std::string& path, const std::string& data) {
  Header header;
  header.size = data.size();
  header.checksum = Checksum(data);
  std::string bytes(sizeof(header), '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  (void)WriteFileAtomically(path, bytes + data);
}

}  // namespace espalier::vulkan
