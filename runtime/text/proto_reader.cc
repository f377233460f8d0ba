#include "runtime/text/proto_reader.h"

#include <cstring>

namespace espalier {

bool ProtoReader::ReadVarint(uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 70 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    *value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool ProtoReader::Take(uint64_t count) {
  if (count > rest_.size()) return false;
  bytes_ = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return true;
}

bool ProtoReader::ReadValue() {
  switch (type_) {
    case WireType::kVarint:
      return ReadVarint(&varint_);
    case WireType::kFixed64:
      return Take(8);
    case WireType::kBytes: {
      uint64_t length = 0;
      return ReadVarint(&length) && Take(length);
    }
    case WireType::kFixed32:
      return Take(4);
  }
  return false;
}

bool ProtoReader::Next() {
  if (!ok_ || rest_.empty()) return false;
  uint64_t tag = 0;
  ok_ = ReadVarint(&tag) && tag >> 3 != 0 && tag >> 32 == 0;
  if (!ok_) return false;
  number_ = static_cast<uint32_t>(tag >> 3);
  type_ = static_cast<WireType>(tag & 7);
  ok_ = ReadValue();
  return ok_;
}

float ProtoReader::fixed32_as_float() const {
  float value = 0;
  std::memcpy(&value, bytes_.data(), sizeof value);
  return value;
}

}  // namespace espalier
