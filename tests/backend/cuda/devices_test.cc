// What a machine lacks, as one line.
#include <gtest/gtest.h>

#include <cstring>

#include "runtime/backend/cuda/library/device.h"

namespace espalier::cuda {
namespace {

std::string RefusalOf(void (*replace)(Functions*)) {
  Functions functions;
  replace(&functions);
  const auto device = Device::Open("cuda:0", functions);
  EXPECT_FALSE(device.ok());
  EXPECT_EQ(device.status().code(), StatusCode::kUnsupported);
  const std::vector<DeviceInfo> listed = DescribeDevices(functions);
  EXPECT_NE(listed.at(0).refusal, "");
  EXPECT_NE(device.status().message().find(listed.at(0).refusal), std::string::npos);
  return listed.at(0).refusal;
}

TEST(CudaDevicesTest, NoDriver) {
  EXPECT_EQ(RefusalOf([](Functions* f) {
              f->DriverGetVersion = [](int* version) {
                *version = 0;
                return cudaSuccess;
              };
            }),
            "no NVIDIA driver is installed");
}

TEST(CudaDevicesTest, ADriverThatIsTooOld) {
  EXPECT_EQ(RefusalOf([](Functions* f) {
              f->DriverGetVersion = [](int* version) {
                *version = 12020;
                return cudaSuccess;
              };
            }),
            "the NVIDIA driver supports CUDA 12.2, 13.0 is needed");
}

TEST(CudaDevicesTest, ADriverWithoutADevice) {
  EXPECT_EQ(RefusalOf([](Functions* f) {
              f->GetDeviceCount = [](int*) { return cudaErrorNoDevice; };
              f->GetErrorName = [](cudaError_t) { return "cudaErrorNoDevice"; };
            }),
            "the NVIDIA driver finds no device (cudaErrorNoDevice)");
  EXPECT_EQ(RefusalOf([](Functions* f) {
              f->GetDeviceCount = [](int* count) {
                *count = 0;
                return cudaSuccess;
              };
            }),
            "the NVIDIA driver finds no device");
}

TEST(CudaDevicesTest, ADeviceThatIsTooOld) {
  EXPECT_EQ(RefusalOf([](Functions* f) {
              f->GetDeviceProperties = [](cudaDeviceProp* properties, int) {
                *properties = {};
                std::strcpy(properties->name, "old");
                properties->major = 7;
                properties->minor = 5;
                return cudaSuccess;
              };
            }),
            "compute capability 7.5, 8.0 is needed");
}

TEST(CudaDevicesTest, ADeviceIsNamedByNumberAndByUuid) {
  const auto first = Device::Open("cuda", Functions());
  ASSERT_TRUE(first.ok()) << first.status().message();
  const DeviceInfo& info = (*first)->info();
  EXPECT_EQ(info.id, "cuda:0");
  EXPECT_EQ(info.kind, "software") << "the emulation does not call itself a GPU";
  ASSERT_EQ(info.uuid.size(), 32u);
  EXPECT_TRUE(Device::Open("cuda:" + info.uuid, Functions()).ok());
  for (const char* name : {"cuda:1", "cuda:-1", "cuda:0x", "cuda:0123"}) {
    const auto other = Device::Open(name, Functions());
    ASSERT_FALSE(other.ok()) << name;
    EXPECT_EQ(other.status().code(), StatusCode::kUnsupported);
    EXPECT_NE(other.status().message().find(name), std::string::npos);
  }
}

}  // namespace
}  // namespace espalier::cuda
