#include "runtime/checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/checkpoint/safetensors_bytes.h"

namespace espalier {
namespace {

Status ParseStatus(std::string_view header, size_t data_bytes) {
  const std::vector<uint8_t> bytes = SafetensorsBytes(header, data_bytes);
  return SafetensorsFile::Parse(bytes, "m.st").status();
}

// An entry of 4 f32 values at the beginning, each field replaceable.
struct Fields {
  std::string name = "w";
  std::string dtype = R"("F32")";
  std::string shape = "[2,2]";
  std::string offsets = "[0,16]";
};

std::string Header(const Fields& f) {
  return "{\"" + f.name + "\":{\"dtype\":" + f.dtype + ",\"shape\":" + f.shape +
         ",\"data_offsets\":" + f.offsets + "}}";
}

TEST(SafetensorsTest, ReadsEveryElementTypeShapeAndMetadata) {
  const std::string header =
      R"({"__metadata__":{"format":"pt","note":"é"},
          "b":{"dtype":"I64","shape":[],"data_offsets":[16,24]},
          "a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
          "empty":{"dtype":"F16","shape":[3,0],"data_offsets":[24,24]},
          "u":{"dtype":"U8","shape":[1,2,1],"data_offsets":[24,26],"extra":[1]},
          "short":{"dtype":"I16","shape":[1],"data_offsets":[26,28]}}   )";
  const std::vector<uint8_t> bytes = SafetensorsBytes(header, 28);
  auto file = SafetensorsFile::Parse(bytes, "m.st");
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ((*file)->names(), (std::vector<std::string>{"a", "b", "empty", "u"}));
  EXPECT_EQ((*file)->metadata().at("note"), "é");

  const TensorView* a = (*file)->Find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->dtype, DType::kF32);
  EXPECT_EQ(a->shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(static_cast<const uint8_t*>(a->data)[5], 5);
  EXPECT_EQ((*file)->Find("b")->element_count(), 1);
  EXPECT_EQ((*file)->Find("empty")->element_count(), 0);
  EXPECT_EQ(static_cast<const uint8_t*>((*file)->Find("u")->data)[1], 25);

  EXPECT_EQ((*file)->Find("nothing"), nullptr);
  EXPECT_EQ((*file)->Find("short"), nullptr) << "TensorView has no 16-bit integers";
  ASSERT_NE((*file)->FindStored("short"), nullptr);
  EXPECT_EQ((*file)->FindStored("short")->dtype, "I16");
  EXPECT_EQ((*file)->FindStored("short")->bytes[0], 26);
}

TEST(SafetensorsTest, DataAreAlignedForTheirElements) {
  // Every header length modulo 8, and a tensor at an odd offset.
  for (size_t pad = 0; pad < 8; ++pad) {
    const std::string header = R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                               R"("w":{"dtype":"I64","shape":[2],"data_offsets":[1,17]}})" +
                               std::string(pad, ' ');
    const std::vector<uint8_t> bytes = SafetensorsBytes(header, 17);
    auto file = SafetensorsFile::Parse(bytes, "m.st");
    ASSERT_TRUE(file.ok()) << file.status().message();
    const void* data = (*file)->Find("w")->data;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 8, 0u) << pad;
    EXPECT_EQ(static_cast<const uint8_t*>(data)[15], 16) << pad;
  }
}

TEST(SafetensorsTest, EachWrongFieldIsNamed) {
  struct Case {
    Fields fields;
    const char* message;
    StatusCode code = StatusCode::kCorrupt;
  };
  const char* not_sizes = "m.st: w: shape: expected a list of at most 16 sizes";
  const char* not_offsets = "m.st: w: data_offsets: expected two offsets";
  const Case cases[] = {
      {{.dtype = "null"}, "m.st: w: dtype: missing"},
      {{.dtype = "5"}, "m.st: w: dtype: 5, expected a non-empty string"},
      {{.dtype = R"("F4")"},
       R"(m.st: w: dtype: "F4" is not an element type that can be read)",
       StatusCode::kUnsupported},
      {{.dtype = R"("F16")"},
       "m.st: w: data_offsets: [0, 16) has 16 bytes, but shape (2,2) of F16 takes 8"},
      {{.shape = "null"}, not_sizes},
      {{.shape = "[2,-2]"}, not_sizes},
      {{.shape = "[2,2.0]"}, not_sizes},
      {{.shape = "[2,\"2\"]"}, not_sizes},
      {{.shape = "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2,2]"}, not_sizes},
      {{.shape = "[2,9223372036854775808]"}, not_sizes},
      {{.shape = "[2,3]"},
       "m.st: w: data_offsets: [0, 16) has 16 bytes, but shape (2,3) of F32 takes 24"},
      {{.shape = "[4611686018427387905]"},
       "m.st: w: shape: (4611686018427387905) is too large to address"},
      {{.shape = "[4294967296,4294967296,4294967296,4294967296]"},
       "m.st: w: shape: (4294967296,4294967296,4294967296,4294967296) is too large to address"},
      {{.shape = "[4294967296,4294967296,0]", .offsets = "[0,0]"},
       "m.st: w: shape: (4294967296,4294967296,0) is too large to address"},
      {{.offsets = "null"}, not_offsets},
      {{.offsets = "[0]"}, not_offsets},
      {{.offsets = "[0,16,16]"}, not_offsets},
      {{.offsets = "[-16,0]"}, not_offsets},
      {{.offsets = "[0,1.6e1]"}, not_offsets},
      {{.offsets = "[16,0]"}, "m.st: w: data_offsets: [16, 0) runs backwards"},
      {{.offsets = "[4,20]"},
       "m.st: w: data_offsets: [4, 20) lies outside the file's 16 bytes of data"},
      {{.offsets = "[9223372036854775791,9223372036854775807]"},
       "m.st: w: data_offsets: [9223372036854775791, 9223372036854775807) lies outside the file's "
       "16 bytes of data"},
      {{.shape = "[3]", .offsets = "[4,16]"},
       "m.st: w: data_offsets: begins at 4, but the data before it end at 0"},
      {{.shape = "[3]", .offsets = "[0,12]"},
       "m.st: the tensors take 12 bytes, but 16 follow the header"},
  };
  for (const Case& c : cases) {
    const Status status = ParseStatus(Header(c.fields), 16);
    EXPECT_EQ(status.message(), c.message);
    EXPECT_EQ(status.code(), c.code) << c.message;
  }
  EXPECT_TRUE(ParseStatus(Header({}), 16).ok());
}

TEST(SafetensorsTest, OverlapsAndDuplicatesAreRefused) {
  EXPECT_EQ(ParseStatus(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
                        R"("b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}})",
                        12)
                .message(),
            "m.st: b: data_offsets: begins at 4, but the data before it end at 8");
  EXPECT_EQ(ParseStatus(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                        R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                        2)
                .message(),
            "m.st: header: the key \"a\" occurs twice");
}

TEST(SafetensorsTest, WrongHeadersAreRefused) {
  EXPECT_EQ(ParseStatus("[]", 0).message(), "m.st: header: expected a JSON object");
  EXPECT_EQ(ParseStatus("{\"w\":[]}", 0).message(), "m.st: w: an array, expected an object");
  EXPECT_EQ(ParseStatus(R"({"__metadata__":[]})", 0).message(),
            "m.st: __metadata__: expected an object of strings");
  EXPECT_EQ(ParseStatus(R"({"__metadata__":{"k":1}})", 0).message(),
            "m.st: __metadata__: k: expected a string");
  EXPECT_EQ(ParseStatus("{\"a\\n\":[]}", 0).message(),
            "m.st: a\\x0a: an array, expected an object");
  EXPECT_EQ(ParseStatus("", 0).message(), "m.st: header: not valid JSON at byte 1");
  EXPECT_EQ(ParseStatus(std::string(1'000'000, '['), 0).message(),
            "m.st: header: nested deeper than 4 levels");
  EXPECT_TRUE(ParseStatus("{}", 0).ok());
}

TEST(SafetensorsTest, EveryTruncationIsAStatus) {
  const std::vector<uint8_t> whole = SafetensorsBytes(Header({}), 16);
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto part =
        std::vector<uint8_t>(whole.begin(), whole.begin() + static_cast<long>(length));
    EXPECT_EQ(SafetensorsFile::Parse(part, "m.st").status().code(), StatusCode::kCorrupt) << length;
  }
}

TEST(SafetensorsTest, HeaderLengthIsBounded) {
  std::vector<uint8_t> bytes = SafetensorsBytes(Header({}), 16);
  bytes[7] = 0xff;
  EXPECT_NE(SafetensorsFile::Parse(bytes, "m.st").status().message().find("at most 100000000"),
            std::string::npos);
  bytes[7] = 0;
  bytes[1] = 0x7f;
  EXPECT_NE(SafetensorsFile::Parse(bytes, "m.st").status().message().find("but only"),
            std::string::npos);
}

TEST(SafetensorsTest, EveryFlippedByteIsHandled) {
  const std::vector<uint8_t> whole = SafetensorsBytes(Header({}), 16);
  for (size_t i = 0; i < whole.size() - 16; ++i) {
    for (const int flip : {0x01, 0x10, 0x80}) {
      std::vector<uint8_t> bytes = whole;
      bytes[i] = static_cast<uint8_t>(bytes[i] ^ flip);
      auto file = SafetensorsFile::Parse(bytes, "m.st");
      if (!file.ok()) continue;  // the sanitizers and the next lines are the test
      for (const std::string& name : (*file)->names()) {
        EXPECT_LE((*file)->Find(name)->size_bytes(), 16u);
      }
    }
  }
}

TEST(SafetensorsTest, WrittenFilesReadBack) {
  const std::string path = testing::TempDir() + "/written.safetensors";
  const std::vector<uint8_t> small = {7};
  const std::vector<float> floats = {1.5f, -2.0f, 0.0f};
  const int64_t scalar = -5;
  const NamedTensor tensors[] = {
      {"small", {DType::kU8, {1}, small.data()}},
      {"floats \"é\"", {DType::kF32, {3, 1}, floats.data()}},
      {"scalar", {DType::kI64, {}, &scalar}},
      {"none", {DType::kF32, {0}, nullptr}},
  };
  ASSERT_TRUE(WriteSafetensors(path, tensors, {{"k", "v"}}).ok());
  auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ((*file)->names().front(), "scalar") << "large element types first";
  EXPECT_EQ((*file)->names().size(), 4u);
  EXPECT_EQ((*file)->metadata().at("k"), "v");
  EXPECT_EQ(ToFloat(*(*file)->Find("floats \"é\"")), floats);
  EXPECT_EQ(ToFloat(*(*file)->Find("scalar")), std::vector<float>{-5.0f});
  EXPECT_EQ((*file)->Find("small")->shape, std::vector<int64_t>{1});
}

TEST(SafetensorsTest, WriterRefusesWrongNamesAndPaths) {
  const std::string path = testing::TempDir() + "/refused.safetensors";
  const TensorView none{DType::kF32, {0}, nullptr};
  for (const std::vector<NamedTensor>& tensors :
       {std::vector<NamedTensor>{{"a", none}, {"a", none}},
        {{"", none}},
        {{"__metadata__", none}},
        {{"\xff", none}}}) {
    EXPECT_EQ(WriteSafetensors(path, tensors).code(), StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  const std::vector<NamedTensor> one = {{"a", none}};
  EXPECT_EQ(WriteSafetensors("/nonexistent/a", one).code(), StatusCode::kUnwritable);
  EXPECT_EQ(WriteSafetensors("/dev/full", one).code(), StatusCode::kUnwritable);
}

TEST(SafetensorsTest, OpenNamesTheFile) {
  const std::string path = testing::TempDir() + "/nowhere.safetensors";
  const Status status = SafetensorsFile::Open(path).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find(path), std::string::npos);
}

}  // namespace
}  // namespace espalier
