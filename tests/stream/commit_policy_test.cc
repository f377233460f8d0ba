#include "runtime/stream/commit_policy.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

std::vector<LiveToken> Tokens(const std::vector<int>& ids, const std::vector<int>& steps = {}) {
  std::vector<LiveToken> tokens;
  for (size_t i = 0; i < ids.size(); ++i) {
    tokens.push_back({.id = ids[i], .step = i < steps.size() ? steps[i] : -1});
  }
  return tokens;
}

int Certain(CommitPolicy& policy, const std::vector<LiveToken>& tokens, int committed = 0,
            int content_steps = 100) {
  return policy.CertainTokens(
      {.hypothesis = tokens, .committed_count = committed, .content_steps = content_steps});
}

TEST(LocalAgreementTest, TwoHypothesesAgree) {
  const auto policy = MakeLocalAgreement();
  EXPECT_EQ(Certain(*policy, Tokens({1, 2, 3})), 0) << "nothing to agree with";
  EXPECT_EQ(Certain(*policy, Tokens({1, 2, 4, 5})), 2);
  // Those two were committed; the hypotheses go on behind them.
  EXPECT_EQ(Certain(*policy, Tokens({4, 5, 6}), 2), 2);
  EXPECT_EQ(Certain(*policy, Tokens({7}), 4), 0);
}

TEST(LocalAgreementTest, WordsThatWereHeldBackCountAgain) {
  const auto policy = MakeLocalAgreement();
  Certain(*policy, Tokens({1, 2, 3}));
  EXPECT_EQ(Certain(*policy, Tokens({1, 2, 3})), 3);
  // The caller committed one of the three only.
  EXPECT_EQ(Certain(*policy, Tokens({2, 3, 9}), 1), 2);
}

TEST(LocalAgreementTest, ForgettingEndsAgreement) {
  const auto policy = MakeLocalAgreement();
  Certain(*policy, Tokens({1, 2}));
  policy->Forget();
  EXPECT_EQ(Certain(*policy, Tokens({1, 2})), 0);
  EXPECT_EQ(policy->StopStep(100), -1);
}

TEST(AlignAttTest, TokensBeforeTheGuardAreCertain) {
  const auto policy = MakeAlignAtt(20, 50);
  EXPECT_EQ(Certain(*policy, Tokens({1, 2, 3, 4}, {10, 40, 79, 80})), 3);
  EXPECT_EQ(policy->StopStep(100), 80);
  EXPECT_EQ(policy->StopStep(10), 0);
}

TEST(AlignAttTest, NothingBehindTheFirstDoubtIsCertain) {
  const auto policy = MakeAlignAtt(20, 50);
  EXPECT_EQ(Certain(*policy, Tokens({1, 2, 3}, {10, 85, 30})), 1);
  EXPECT_EQ(Certain(*policy, Tokens({1, 2, 3}, {10, -1, 30})), 1) << "not known where";
  EXPECT_EQ(Certain(*policy, Tokens({1, 2, 3}, {5, 10, 12}), 0, 15), 0);
}

TEST(AlignAttTest, WhatIsDoubtfulNeedsMoreAudio) {
  const auto policy = MakeAlignAtt(20, 50);
  auto tokens = Tokens({1, 2, 3}, {10, 59, 70});
  tokens[1].log_prob = -1;
  EXPECT_EQ(Certain(*policy, tokens), 3);
  tokens[1].step = 60;
  EXPECT_EQ(Certain(*policy, tokens), 1);
}

TEST(AlignAttTest, LookingFarBackIsADoubt) {
  const auto policy = MakeAlignAtt(20, 30);
  EXPECT_EQ(Certain(*policy, Tokens({1, 2, 3, 4}, {10, 60, 30, 29})), 3);
}

// "Agent login." once more, update for update: it looks back behind what was committed.
TEST(AlignAttTest, LookingFarBackBehindCommittedTextIsADoubt) {
  const auto policy = MakeAlignAtt(20, 30);
  const auto tokens = Tokens({1, 2}, {10, 30});
  EXPECT_EQ(policy->CertainTokens({.hypothesis = tokens, .content_steps = 100}), 2);
  EXPECT_EQ(policy->CertainTokens({.hypothesis = tokens, .content_steps = 100, .heard_step = 60}),
            0);
}

}  // namespace
}  // namespace espalier
