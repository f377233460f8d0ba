#include "runtime/session/roofline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/checkpoint/quantize.h"
#include "runtime/model/stages.h"
#include "runtime/session/gate_look.h"

namespace espalier {
namespace {

const char kModel[] = "tests/golden/data/model_plain";

class RooflineTest : public testing::Test {
 protected:
  RooflineTest() : engine_(std::move(*Engine::Open({.model_folder = kModel}))) {}
  Roofline Predict(const GateMask& gates, const Hardware& hardware, int beam_size = 1) const {
    auto roofline =
        PredictLimits(*engine_, gates, hardware, {.beam_size = beam_size, .cached_positions = 16});
    EXPECT_TRUE(roofline.ok()) << roofline.status().message();
    return std::move(roofline).value();
  }

  std::shared_ptr<Engine> engine_;
  Hardware hardware_{.name = "test", .tensor_flops = 4e12, .f32_flops = 1e12, .bytes = 1e11};
};

TEST_F(RooflineTest, WorkIsWhatTheCostModelCounts) {
  const GateMask open = AllOpen(engine_->config());
  const Roofline roofline = Predict(open, hardware_);
  const int64_t samples = std::llround(roofline.input_s * engine_->config().frontend.sample_rate);
  const auto work = WorkOf(*engine_, open, samples);
  ASSERT_TRUE(work.ok()) << work.status().message();
  double flops = 0;
  for (const StageLimit& stage : roofline.window) {
    if (stage.stage != "ctc") flops += stage.flops;  // WorkOf leaves it out
  }
  EXPECT_NEAR(flops, 2.0 * static_cast<double>(work->window_multiply_adds), 1e-6 * flops);
  EXPECT_NEAR(roofline.step.flops, 2.0 * static_cast<double>(work->step_multiply_adds),
              1e-6 * roofline.step.flops);
}

TEST_F(RooflineTest, AnOpTakesTheLongerOfComputingAndMoving) {
  const GateMask open = AllOpen(engine_->config());
  Hardware hardware = hardware_;
  hardware.bytes = 1e30;
  const Roofline computing = Predict(open, hardware);
  // An f32 model: no tensor cores.
  EXPECT_NEAR(computing.step.seconds, computing.step.flops / 1e12, 1e-12);
  hardware = hardware_;
  hardware.f32_flops = hardware.tensor_flops = 1e30;
  const Roofline moving = Predict(open, hardware);
  EXPECT_NEAR(moving.step.seconds, moving.step.bytes / 1e11, 1e-12);
  const Roofline both = Predict(open, hardware_);
  EXPECT_GE(both.step.seconds, std::max(computing.step.seconds, moving.step.seconds));
  EXPECT_LE(both.step.seconds, computing.step.seconds + moving.step.seconds);
}

// Products of more than eight rows with weights that are not f32, attention of more than sixteen
// queries in a plan with such weights; nothing else.
TEST_F(RooflineTest, WhatTheTensorCoresDo) {
  Hardware hardware = hardware_;
  hardware.bytes = 1e30;
  const ModelConfig config = engine_->config();  // outlives this engine
  const GateMask open = AllOpen(config);
  const auto seconds_of = [](const Roofline& roofline, const std::string& name) {
    const auto found = std::find_if(roofline.window.begin(), roofline.window.end(),
                                    [&](const StageLimit& stage) { return stage.stage == name; });
    return found->seconds / found->flops;
  };
  EXPECT_NEAR(seconds_of(Predict(open, hardware), "source"), 1e-12, 1e-18) << "an f32 model";
  for (const DType storage : {DType::kF16, DType::kI8}) {
    SCOPED_TRACE(DTypeName(storage));
    const std::string folder =
        std::string(std::getenv("TEST_TMPDIR")) + "/tensor_" + std::string(DTypeName(storage));
    const auto report =
        QuantizeFolder(kModel, folder, {.storage = storage, .gate_pack = {}}, {}, {});
    ASSERT_TRUE(report.ok()) << report.status().message();
    engine_ = std::move(*Engine::Open({.model_folder = folder}));
    const Roofline few = Predict(open, hardware, 5);
    EXPECT_NEAR(few.step.seconds, few.step.flops / 1e12, 1e-12);
    for (const char* stage : {"source", "ctc"}) {
      EXPECT_NEAR(seconds_of(few, stage), 0.25e-12, 1e-18) << stage;
    }
    // The depthwise convolutions' share stays, and that of convolutions that are kept as f32.
    EXPECT_GT(seconds_of(few, "encoder"), 0.25e-12);
    EXPECT_LT(seconds_of(few, "encoder"), 0.5e-12);
    for (const int beam : {9, 16, 17}) {
      const Roofline roofline = Predict(open, hardware, beam);
      const double queries = 2.0 * 2 * beam * config.decoder.width * config.decoder.layers;
      const double source = queries * SizesOf(config).steps, self = queries * 16;
      const double on_cores = roofline.step.flops - self - (beam > 16 ? 0.0 : source);
      EXPECT_NEAR(roofline.step.seconds, on_cores / 4e12 + (roofline.step.flops - on_cores) / 1e12,
                  1e-12)
          << beam;
    }
  }
}

// Of a model with rounded weights they are f16: the source's are read and made once, of the others
// a step reads those of the positions so far and of its own row.
TEST_F(RooflineTest, KeysAndValuesTakeTheBytesTheyHave) {
  const ModelConfig config = engine_->config();
  const GateMask open = AllOpen(config);
  const Roofline full = Predict(open, hardware_);
  const std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/memory_f16";
  const auto report =
      QuantizeFolder(kModel, folder, {.storage = DType::kF16, .gate_pack = {}}, {}, {});
  ASSERT_TRUE(report.ok()) << report.status().message();
  engine_ = std::move(*Engine::Open({.model_folder = folder}));
  const Roofline halved = Predict(open, hardware_);
  const auto moved = [](const StageLimit& stage) { return stage.bytes - stage.weight_bytes; };
  const double numbers = 2.0 * config.decoder.layers * config.decoder.width;
  EXPECT_NEAR(moved(full.step) - moved(halved.step), 2 * numbers * (SizesOf(config).steps + 16),
              1.0);
  const auto source = [](const Roofline& roofline) { return roofline.window.back(); };
  EXPECT_EQ(source(full).stage, "source");
  EXPECT_NEAR(moved(source(full)) - moved(source(halved)), 2 * numbers * SizesOf(config).steps,
              1.0);
}

TEST_F(RooflineTest, ABeamReadsTheWeightsOnce) {
  const GateMask open = AllOpen(engine_->config());
  const Roofline one = Predict(open, hardware_), five = Predict(open, hardware_, 5);
  EXPECT_EQ(one.step.weight_bytes, five.step.weight_bytes);
  EXPECT_NEAR(five.step.flops, 5 * one.step.flops, 1e-6 * five.step.flops);
}

// Not the whole matrix of log-probabilities: a sector for each candidate and step.
TEST_F(RooflineTest, CtcReadsItsCandidates) {
  const Roofline roofline = Predict(AllOpen(engine_->config()), hardware_, 5);
  ASSERT_TRUE(roofline.ctc_step.has_value());
  EXPECT_EQ(roofline.ctc_step->ops, roofline.step.ops + 1);
  EXPECT_EQ(roofline.ctc_step->flops, roofline.step.flops);
  const double steps = SizesOf(engine_->config()).steps;
  EXPECT_NEAR(roofline.ctc_step->bytes - roofline.step.bytes,
              steps * 32 * (5 * 7 + 1) + 2 * steps * 4 * (5 + 5 * 7), 1.0);
}

TEST_F(RooflineTest, ClosedModulesCostNothing) {
  const Roofline open = Predict(AllOpen(engine_->config()), hardware_);
  const Roofline gated = Predict(SpreadClosed(engine_->config(), 0.5), hardware_);
  const Roofline closed = Predict(SpreadClosed(engine_->config(), 1.0), hardware_);
  EXPECT_LT(gated.WindowSeconds(), open.WindowSeconds());
  EXPECT_LT(closed.WindowSeconds(), gated.WindowSeconds());
  EXPECT_LT(gated.step.weight_bytes, open.step.weight_bytes);
  EXPECT_LT(gated.step.ops, open.step.ops);
}

TEST_F(RooflineTest, TheShareClosedIsTheShareAskedFor) {
  for (const double share : {0.0, 0.3, 0.5, 1.0}) {
    const GateMask mask = SpreadClosed(engine_->config(), share);
    EXPECT_NEAR(mask.closed_count(), share * mask.gate_count(), 2.0) << share;
  }
}

TEST(RooflineHardwareTest, EveryNameIsFound) {
  for (const std::string& name : HardwareNames()) EXPECT_EQ(FindHardware(name)->name, name);
  EXPECT_EQ(FindHardware("z80"), nullptr);
}

}  // namespace
}  // namespace espalier
