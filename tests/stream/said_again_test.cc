#include "runtime/stream/said_again.h"

#include <gtest/gtest.h>

#include <vector>

namespace espalier {
namespace {

// How many tokens pass before it is found that they say everything again; -1: they do not.
int FoundAt(const std::vector<int>& steps, int content_steps = 100) {
  SaidAgain again(content_steps, 20);
  for (size_t i = 0; i < steps.size(); ++i) {
    if (again.Add(steps[i])) return static_cast<int>(i) + 1;
  }
  return -1;
}

TEST(SaidAgainTest, ThreeTokensThatLookBackFromTheEnd) {
  EXPECT_EQ(FoundAt({10, 40, 80, 5, 12, 40}), 6);
  EXPECT_EQ(FoundAt({10, 40, 80, 60, 60, 60}), 6) << "400 ms are enough";
  EXPECT_EQ(FoundAt({10, 40, 80, 61, 61, 61, 61}), -1);
}

TEST(SaidAgainTest, AStrayLookIsNone) {
  EXPECT_EQ(FoundAt({10, 40, 80, 5, 12, 82, 5, 12, 84}), -1);
  EXPECT_EQ(FoundAt({10, 40, 80, 5, -1, 12, 13}), -1) << "not known where";
}

TEST(SaidAgainTest, InTheMiddleOfTheAudioThereIsMoreToSay) {
  EXPECT_EQ(FoundAt({10, 40, 45, 5, 12, 20, 25}, 100), -1);
  EXPECT_EQ(FoundAt({10, 40, 45, 5, 12, 20, 25}, 90), 6);
}

// What was committed before counts: a loop may go on over updates.
TEST(SaidAgainTest, TheTextBeforeHasBeenHeard) {
  SaidAgain again(100, 20, 80);
  EXPECT_FALSE(again.Add(5));
  EXPECT_FALSE(again.Add(12));
  EXPECT_TRUE(again.Add(40));
}

}  // namespace
}  // namespace espalier
