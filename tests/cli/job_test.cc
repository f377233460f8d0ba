#include "apps/cli/output/job.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

class PlanJobsTest : public testing::Test {
 protected:
  PlanJobsTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  std::string MakeFile(const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << "x";
    return Path(name);
  }
  static StatusCode CodeOf(const std::vector<std::string>& inputs, const OutputOptions& options) {
    return PlanJobs(inputs, options).status().code();
  }

  const fs::path folder_ = fs::path(std::getenv("TEST_TMPDIR")) / "plan";
};

TEST_F(PlanJobsTest, TextGoesToStandardOutput) {
  const auto jobs = PlanJobs({"a.wav", "b.wav"}, {});
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ((*jobs)[1].outputs, (std::vector<Output>{{"txt", "-"}}));
}

TEST_F(PlanJobsTest, TheSuffixChoosesTheFormat) {
  EXPECT_EQ((*PlanJobs({"a.wav"}, {.output = Path("x.srt")}))[0].outputs[0].format, "srt");
  EXPECT_EQ((*PlanJobs({"a.wav"}, {.output = Path("x.foo")}))[0].outputs[0].format, "txt");
  EXPECT_EQ(
      (*PlanJobs({"a.wav"}, {.formats = "vtt", .output = Path("x.srt")}))[0].outputs[0].format,
      "vtt");
}

TEST_F(PlanJobsTest, AFolderGetsAFilePerInputAndFormat) {
  const auto jobs =
      PlanJobs({"d/a.wav", "-"}, {.formats = "txt,srt", .output_dir = Path("out/new")});
  ASSERT_TRUE(jobs.ok()) << jobs.status().message();
  EXPECT_EQ((*jobs)[0].outputs,
            (std::vector<Output>{{"txt", Path("out/new/a.txt")}, {"srt", Path("out/new/a.srt")}}));
  EXPECT_EQ((*jobs)[1].outputs[0].path, Path("out/new/stdin.txt"));
  EXPECT_TRUE(fs::is_empty(Path("out/new"))) << "checking leaves nothing behind";
}

TEST_F(PlanJobsTest, EqualStemsKeepTheirSuffixes) {
  const auto jobs = PlanJobs({"a.wav", "a.mp3", "b.wav"}, {.output_dir = Path("out")});
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ((*jobs)[0].outputs[0].path, Path("out/a.wav.txt"));
  EXPECT_EQ((*jobs)[1].outputs[0].path, Path("out/a.mp3.txt"));
  EXPECT_EQ((*jobs)[2].outputs[0].path, Path("out/b.txt"));
}

TEST_F(PlanJobsTest, EqualNamesAreAnError) {
  const auto jobs = PlanJobs({"x/a.wav", "y/a.wav"}, {.output_dir = Path("out")});
  EXPECT_EQ(jobs.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(jobs.status().message().find("x/a.wav and y/a.wav"), std::string::npos);
}

TEST_F(PlanJobsTest, OptionsMustFitTheInputs) {
  EXPECT_EQ(CodeOf({"a.wav"}, {.formats = "txt,srt"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf({"a.wav", "b.wav"}, {.output = Path("x")}), StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf({"a.wav", "b.wav"}, {.formats = "srt"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf({"a.wav", "b.wav"}, {.formats = "jsonl"}), StatusCode::kOk);
}

TEST_F(PlanJobsTest, NothingIsReplacedUnasked) {
  const std::string there = MakeFile("out/a.srt");
  const OutputOptions options{.formats = "srt", .output_dir = Path("out")};
  EXPECT_EQ(CodeOf({"a.wav"}, options), StatusCode::kUnwritable);
  EXPECT_EQ(CodeOf({"a.wav"}, {.output = there}), StatusCode::kUnwritable);
  EXPECT_EQ(CodeOf({"a.wav"}, {.output = there, .force = true}), StatusCode::kOk);
  EXPECT_EQ(fs::file_size(there), 1u) << "planning writes nothing";
}

TEST_F(PlanJobsTest, AnInputIsNeverReplaced) {
  const std::string input = MakeFile("a.wav");
  EXPECT_EQ(CodeOf({input}, {.output = input, .force = true}), StatusCode::kInvalidArgument);
  fs::create_symlink(input, Path("link.txt"));
  EXPECT_EQ(CodeOf({input}, {.output = Path("link.txt"), .force = true}),
            StatusCode::kInvalidArgument);
}

TEST_F(PlanJobsTest, UnwritablePlacesAreFoundBeforeDecoding) {
  const std::string file = MakeFile("file");
  EXPECT_EQ(CodeOf({"a.wav"}, {.output_dir = file}), StatusCode::kUnwritable);
  EXPECT_EQ(CodeOf({"a.wav"}, {.output_dir = file + "/below"}), StatusCode::kUnwritable);
  EXPECT_EQ(CodeOf({"a.wav"}, {.output = Path("no/such/folder.txt")}), StatusCode::kUnwritable);
  EXPECT_EQ(CodeOf({"a.wav"}, {.output = folder_.string()}), StatusCode::kUnwritable);
  EXPECT_EQ(CodeOf({"a.wav"}, {.output = "/dev/null"}), StatusCode::kOk);
}

}  // namespace
}  // namespace espalier::cli
