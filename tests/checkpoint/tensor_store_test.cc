#include "runtime/checkpoint/tensor_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/base/file.h"
#include "tests/checkpoint/safetensors_bytes.h"

namespace espalier {
namespace {

std::string EmptyFolder(const std::string& name) {
  const std::string folder = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

void WriteFloats(const std::string& path, const std::vector<std::string>& names) {
  static const std::vector<float> kValues = {1.0f, 2.0f};
  std::vector<NamedTensor> tensors;
  for (const std::string& name : names) {
    tensors.push_back({name, {DType::kF32, {2, 1}, kValues.data()}});
  }
  ASSERT_TRUE(WriteSafetensors(path, tensors).ok());
}

void WriteIndex(const std::string& folder, const std::string& weight_map) {
  ASSERT_TRUE(WriteFileAtomically(folder + "/model.safetensors.index.json",
                                  "{\"metadata\":{},\"weight_map\":" + weight_map + "}")
                  .ok());
}

std::string OpenError(const std::string& folder, StatusCode code) {
  const Status status = TensorStore::OpenFolder(folder).status();
  EXPECT_EQ(status.code(), code) << status.message();
  return status.message();
}

TEST(TensorStoreTest, OneFile) {
  const std::string folder = EmptyFolder("one");
  WriteFloats(folder + "/model.safetensors", {"a", "b"});
  auto store = TensorStore::OpenFolder(folder);
  ASSERT_TRUE(store.ok()) << store.status().message();
  EXPECT_EQ((*store)->names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_NE((*store)->Find("a"), nullptr);
  EXPECT_EQ((*store)->Find("c"), nullptr);
  EXPECT_EQ((*store)->size_bytes(), 16);
  EXPECT_EQ((*store)->path(), folder + "/model.safetensors");
}

TEST(TensorStoreTest, RequireChecksPresenceShapeAndType) {
  const std::string header = R"({"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                             R"("x":{"dtype":"I16","shape":[1],"data_offsets":[8,10]}})";
  const std::vector<uint8_t> bytes = SafetensorsBytes(header, 10);
  const auto store = TensorStore::FromFile(SafetensorsFile::Parse(bytes, "m.st").value());
  EXPECT_TRUE(store->Require("w", std::vector<int64_t>{2, 1}).ok());
  const auto error = [&](const char* name, const std::vector<int64_t>& shape) {
    return store->Require(name, shape).status();
  };
  EXPECT_EQ(error("w", {2}).message(), "m.st: w: shape (2,1), expected (2)");
  EXPECT_EQ(error("w", {1, 2}).code(), StatusCode::kCorrupt);
  EXPECT_EQ(error("v", {2}).message(), "m.st: v: this tensor is missing");
  EXPECT_EQ(error("v", {2}).code(), StatusCode::kCorrupt);
  EXPECT_EQ(error("x", {1}).message(), "m.st: x: elements of type I16 cannot be used");
  EXPECT_EQ(error("x", {1}).code(), StatusCode::kUnsupported);
}

TEST(TensorStoreTest, ShardsAreFoundThroughTheIndex) {
  const std::string folder = EmptyFolder("shards");
  WriteFloats(folder + "/p1.safetensors", {"a", "both"});
  WriteFloats(folder + "/p2.safetensors", {"b", "both"});
  WriteIndex(folder, R"({"a":"p1.safetensors","b":"p2.safetensors","both":"p2.safetensors"})");
  auto store = TensorStore::OpenFolder(folder);
  ASSERT_TRUE(store.ok()) << store.status().message();
  EXPECT_EQ((*store)->names(), (std::vector<std::string>{"a", "b", "both"}));
  for (const std::string& name : (*store)->names()) EXPECT_NE((*store)->Find(name), nullptr);
  EXPECT_EQ((*store)->Find("c"), nullptr);
  EXPECT_EQ((*store)->Require("c", {}).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ((*store)->Require("b", std::vector<int64_t>{3}).status().message(),
            folder + "/p2.safetensors: b: shape (2,1), expected (3)");
}

TEST(TensorStoreTest, WrongIndexesAreRefused) {
  const std::string folder = EmptyFolder("wrong");
  WriteFloats(folder + "/p1.safetensors", {"a"});
  const std::string index = folder + "/model.safetensors.index.json";
  for (const char* shard : {"\"../p1.safetensors\"", "\"sub/p1.safetensors\"", "\"..\"", "\"\"",
                            "\"a\\u0000b\"", "5", "\"/etc/passwd\""}) {
    WriteIndex(folder, std::string("{\"a\":") + shard + "}");
    EXPECT_EQ(OpenError(folder, StatusCode::kCorrupt),
              index + ": weight_map: a: expected the name of a file in the model's folder");
  }
  WriteIndex(folder, "[]");
  EXPECT_NE(OpenError(folder, StatusCode::kCorrupt).find(": weight_map: "), std::string::npos);
  WriteIndex(folder, R"({"b":"p1.safetensors"})");
  EXPECT_EQ(OpenError(folder, StatusCode::kCorrupt),
            folder +
                "/p1.safetensors: b: missing, but model.safetensors.index.json says that it "
                "is here");
  WriteIndex(folder, R"({"a":"p9.safetensors"})");
  EXPECT_NE(OpenError(folder, StatusCode::kNotFound).find("p9.safetensors"), std::string::npos);
}

TEST(TensorStoreTest, AFolderWithoutWeightsIsNotFound) {
  const std::string folder = EmptyFolder("nothing");
  EXPECT_NE(OpenError(folder, StatusCode::kNotFound).find(folder), std::string::npos);
  OpenError(folder + "/absent", StatusCode::kNotFound);
  std::filesystem::create_directories(folder + "/model.safetensors");
  OpenError(folder, StatusCode::kCorrupt);
}

}  // namespace
}  // namespace espalier
