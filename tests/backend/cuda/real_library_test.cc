// The library with the real CUDA runtime, on a machine with or without a GPU.
#include <gtest/gtest.h>

#include "runtime/backend/cuda/cuda_backend.h"

namespace espalier {
namespace {

const char kLibrary[] = "runtime/backend/cuda/libespalier_cuda.so";

TEST(CudaRealLibraryTest, HasADeviceOrSaysWhyNot) {
  const auto devices = ListCudaDevices(kLibrary);
  ASSERT_FALSE(devices.empty());
  const auto backend = MakeCudaBackend({.device = "cuda:0", .library = kLibrary});
  if (devices[0].id == "cuda:0") {
    EXPECT_EQ(backend.ok(), devices[0].refusal.empty());
    EXPECT_EQ(devices[0].kind, "gpu");
    return;
  }
  EXPECT_NE(devices[0].refusal.find("NVIDIA driver"), std::string::npos) << devices[0].refusal;
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(backend.status().message(), "CUDA cannot be used: " + devices[0].refusal);
}

}  // namespace
}  // namespace espalier
