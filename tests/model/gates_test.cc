#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/base/file.h"
#include "runtime/model/gate_file.h"

namespace espalier {
namespace {

ModelConfig OwsmConfigOf(int encoder_layers, int decoder_layers) {
  ModelConfig config;
  config.encoder.layers = encoder_layers;
  config.decoder.layers = decoder_layers;
  return config;
}

std::string Written(const std::string& text) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/gates.json";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

TEST(GatesTest, EveryGateIsOpenByDefault) {
  const GateMask mask = AllOpen(OwsmConfigOf(3, 2));
  EXPECT_EQ(mask.gate_count(), 3 * 4 + 2 * 3);
  EXPECT_EQ(mask.closed_count(), 0);
  EXPECT_TRUE(mask.encoder.IsOpen(2, "cgmlp"));
  EXPECT_TRUE(mask.encoder.IsOpen(0, "a module without a gate"));
}

TEST(GatesTest, AnUngatedMacaronHasNoGateWhereTheModelHasNoMacaron) {
  ModelConfig config = OwsmConfigOf(1, 1);
  config.encoder.macaron = false;
  EXPECT_EQ(AllOpen(config).encoder.modules.front(), "attn");
}

TEST(GatesTest, FilesComeBackAsTheyWereWritten) {
  const ModelConfig config = OwsmConfigOf(3, 2);
  GateMask mask = AllOpen(config);
  mask.encoder.open[5] = mask.decoder.open[1] = 0;
  const auto read = LoadGateMask(Written(GateMaskToJson(mask)), config);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(*read, mask);
  EXPECT_FALSE(read->encoder.IsOpen(1, "attn"));
  EXPECT_FALSE(read->decoder.IsOpen(0, "src_attn"));
}

TEST(GatesTest, FilesOfAnotherModelAreRefused) {
  const std::string json = GateMaskToJson(AllOpen(OwsmConfigOf(3, 2)));
  for (const ModelConfig& other : {OwsmConfigOf(2, 2), OwsmConfigOf(3, 1)}) {
    const auto read = LoadGateMask(Written(json), other);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(read.status().message().find("this model has"), std::string::npos);
  }
}

TEST(GatesTest, DamagedFilesAreRefused) {
  const ModelConfig config = OwsmConfigOf(1, 1);
  const std::string good = GateMaskToJson(AllOpen(config));
  for (const std::string& bad :
       {std::string("["), std::string("{}"), std::string("{\"encoder\":1,\"decoder\":2}"),
        std::string(good).replace(good.find("1,"), 1, "7"),
        std::string(good).replace(good.find("attn"), 4, "attm")}) {
    EXPECT_EQ(LoadGateMask(Written(bad), config).status().code(), StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST(GatesTest, TextAndPictureShowWhatIsClosed) {
  GateMask mask = AllOpen(OwsmConfigOf(2, 1));
  mask.encoder.open[1] = 0;
  EXPECT_NE(GateMaskToText(mask).find("1 of 11 gates closed"), std::string::npos);
  const std::string svg = GateMaskToSvg(mask, "<eng> & <asr>");
  EXPECT_NE(svg.find("&lt;eng&gt; &amp; &lt;asr&gt;"), std::string::npos);
  size_t hollow = 0;
  for (size_t at = svg.find("fill=\"none\""); at != std::string::npos;
       at = svg.find("fill=\"none\"", at + 1)) {
    ++hollow;
  }
  EXPECT_EQ(hollow, 1u);
}

}  // namespace
}  // namespace espalier
