// A safetensors file: whatever is accepted must be readable to its last byte.
#include <memory>

#include "runtime/checkpoint/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

using espalier::SafetensorsFile;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The reader wants memory as aligned as a mapped file's, which libFuzzer's need not be.
  const auto aligned = std::make_unique<uint64_t[]>(size / sizeof(uint64_t) + 1);
  auto* bytes = reinterpret_cast<uint8_t*>(aligned.get());
  for (size_t i = 0; i < size; ++i) bytes[i] = data[i];

  const auto file = SafetensorsFile::Parse({bytes, size}, "fuzz");
  if (!file.ok()) {
    FUZZ_REQUIRE(!file.status().message().empty());
    return 0;
  }
  fuzz_input_accepted = true;
  volatile uint64_t sum = 0;
  for (const std::string& name : (*file)->names()) {
    const espalier::TensorView* view = (*file)->Find(name);
    FUZZ_REQUIRE(view != nullptr && (*file)->FindStored(name) != nullptr);
    const int64_t count = view->element_count();
    const size_t width = espalier::DTypeSize(view->dtype);
    FUZZ_REQUIRE(count == 0 || reinterpret_cast<uintptr_t>(view->data) % width == 0);
    const auto* values = static_cast<const uint8_t*>(view->data);
    for (size_t i = 0; i < static_cast<size_t>(count) * width; ++i) sum = sum + values[i];
  }
  return 0;
}
