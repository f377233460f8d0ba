// Protocol Buffers' wire format, just enough to look at a message before a library trusts it.
// Source: protobuf.dev, "Encoding".
#pragma once

#include <cstdint>
#include <string_view>

namespace espalier {

// Walks over the fields of one message. Refers to its bytes.
class ProtoReader {
 public:
  enum class WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  explicit ProtoReader(std::string_view message) : rest_(message) {}

  // Moves to the next field; false at the end and at the first damage (see ok). Groups, which no
  // message of ours has, count as damage.
  bool Next();
  // False once the message proved damaged.
  bool ok() const { return ok_; }

  // The field that Next moved to. A number with another wire type than the schema's is an unknown
  // field, which parsers skip: hence the two together.
  bool Is(uint32_t number, WireType type) const { return number_ == number && type_ == type; }
  uint64_t varint() const { return varint_; }        // kVarint
  std::string_view bytes() const { return bytes_; }  // kBytes
  float fixed32_as_float() const;                    // kFixed32

 private:
  bool ReadVarint(uint64_t* value);
  bool ReadValue();
  bool Take(uint64_t count);

  std::string_view rest_;
  bool ok_ = true;
  uint32_t number_ = 0;
  WireType type_ = WireType::kVarint;
  uint64_t varint_ = 0;
  std::string_view bytes_;  // also the raw bytes of fixed fields
};

}  // namespace espalier
