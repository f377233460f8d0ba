// The shared library: loaded, absent, not ours.
#include <gtest/gtest.h>

#include "runtime/backend/cuda/cuda_backend.h"
#include "runtime/backend/cuda/entry.h"

namespace espalier {
namespace {

const char kEmulated[] = "runtime/backend/cuda/libespalier_cuda_emulated.so";

void ExpectRefused(const std::string& library, const std::string& text) {
  const auto backend = MakeCudaBackend({.library = library});
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(backend.status().message().find(text), std::string::npos) << backend.status().message();
  const auto devices = ListCudaDevices(library);
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0].id, "cuda");
  EXPECT_EQ(devices[0].refusal, backend.status().message());
}

TEST(CudaLoaderTest, AMachineWithoutTheLibrarySaysSo) {
  ExpectRefused("libthere-is-none.so", "libthere-is-none.so");
}

TEST(CudaLoaderTest, ALibraryThatIsNotOursIsRefused) {
  ExpectRefused("libdl.so.2", "not Espalier's");
}

TEST(CudaLoaderTest, TheEmulatedLibraryLoadsAndListsItsDevice) {
  const auto backend = MakeCudaBackend({.device = "cuda:0", .library = kEmulated});
  ASSERT_TRUE(backend.ok()) << backend.status().message();
  EXPECT_EQ((*backend)->info().kind, "software");
  const auto buffer = (*backend)->Allocate(100);
  ASSERT_TRUE(buffer.ok()) << buffer.status().message();
  EXPECT_EQ((*buffer)->size_bytes(), 100u);
  const auto devices = ListCudaDevices(kEmulated);
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0].id, "cuda:0");
  EXPECT_EQ(devices[0].refusal, "");
}

TEST(CudaLoaderTest, TheEnvironmentNamesTheLibrary) {
  setenv("ESPALIER_CUDA_LIBRARY", kEmulated, 1);
  EXPECT_TRUE(MakeCudaBackend({}).ok());
  setenv("ESPALIER_CUDA_LIBRARY", "libthere-is-none.so", 1);
  EXPECT_FALSE(MakeCudaBackend({}).ok());
  unsetenv("ESPALIER_CUDA_LIBRARY");
}

}  // namespace
}  // namespace espalier
