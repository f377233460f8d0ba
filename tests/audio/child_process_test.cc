#include "runtime/audio/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/clock.h"
#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

Result<std::unique_ptr<ChildProcess>> Shell(const std::string& script, int in = -1) {
  const UniqueFd null(::open("/dev/null", O_RDONLY));
  return ChildProcess::Start("x", {"sh", "-c", script}, in >= 0 ? in : null.get());
}

struct Outcome {
  std::string text;
  Status status;
};

Outcome ReadToEnd(ByteStream* stream) {
  Outcome outcome;
  std::vector<uint8_t> part(1000);
  for (;;) {
    const auto count = stream->Read(part);
    outcome.status = count.status();
    if (!count.ok() || *count == 0) return outcome;
    outcome.text.append(part.begin(), part.begin() + static_cast<ptrdiff_t>(*count));
  }
}

void ExpectNoChildLeft() {
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ChildProcessTest, OutputThenStatusZero) {
  auto child = Shell("printf abc; printf noise >&2").value();
  const auto outcome = ReadToEnd(child.get());
  EXPECT_EQ(outcome.text, "abc");
  EXPECT_TRUE(outcome.status.ok());
  ExpectNoChildLeft();
}

TEST(ChildProcessTest, ArgumentsAreNotInterpreted) {
  const UniqueFd null(::open("/dev/null", O_RDONLY));
  auto child = ChildProcess::Start("x", {"printf", "%s", "$(id);*'\" &"}, null.get()).value();
  EXPECT_EQ(ReadToEnd(child.get()).text, "$(id);*'\" &");
}

TEST(ChildProcessTest, StandardInputIsTheFile) {
  WriteBytes(TempPath("input"), "from the file");
  const UniqueFd file(::open(TempPath("input").c_str(), O_RDONLY));
  EXPECT_EQ(ReadToEnd(Shell("cat", file.get()).value().get()).text, "from the file");
  EXPECT_EQ(ReadToEnd(Shell("cat /dev/stdin", file.get()).value().get()).text, "from the file");
}

TEST(ChildProcessTest, FailureCarriesTheFirstLineOfItsComplaint) {
  auto child = Shell("printf abc; printf '\\n\\tbad\\033 thing\\nsecond\\n' >&2; exit 3").value();
  const auto outcome = ReadToEnd(child.get());
  EXPECT_EQ(outcome.text, "abc");
  EXPECT_EQ(outcome.status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(outcome.status.message(), "x: sh: bad thing");
  std::vector<uint8_t> more(1);
  EXPECT_EQ(child->Read(more).value(), 0u) << "reading on is harmless";
  EXPECT_EQ(ReadToEnd(Shell("exit 7").value().get()).status.message(),
            "x: sh: ended with status 7");
  EXPECT_EQ(ReadToEnd(Shell("kill -9 $$").value().get()).status.message(),
            "x: sh: ended by signal 9");
  ExpectNoChildLeft();
}

TEST(ChildProcessTest, LongComplaintsDoNotBlock) {
  auto child = Shell("head -c 3000000 /dev/zero | tr '\\0' e >&2; printf abc").value();
  EXPECT_EQ(ReadToEnd(child.get()).text, "abc");
}

TEST(ChildProcessTest, AnEndlessChildIsKilledAndReaped) {
  const Stopwatch watch;
  {
    auto child = Shell("trap '' TERM PIPE; exec cat /dev/zero").value();
    EXPECT_FALSE(child->Peek(10).value().empty());
    auto silent = Shell("exec sleep 100").value();
  }
  EXPECT_LT(watch.Seconds(), 10.0);
  ExpectNoChildLeft();
}

TEST(ChildProcessTest, NoSuchProgram) {
  const auto child = ChildProcess::Start("x", {"no-such-program-anywhere"}, 0);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.status().code(), StatusCode::kUnsupported);
  ExpectNoChildLeft();
}

TEST(ChildProcessTest, NoDescriptorLeaks) {
  const int before = ::dup(0);
  ::close(before);
  for (int i = 0; i < 3; ++i) {
    (void)ReadToEnd(Shell("printf abc").value().get());
    (void)ChildProcess::Start("x", {"no-such-program-anywhere"}, 0);
  }
  const int after = ::dup(0);
  ::close(after);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace espalier
