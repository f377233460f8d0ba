// A live session on a small model with random weights: what it says has no meaning, but it depends
// on every sample.
#include "runtime/stream/live_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "runtime/text/scripts.h"
#include "tests/session/faulty_backend.h"
#include "tests/stream/signals.h"

namespace espalier {
namespace {

const std::string kModels = "tests/golden/data/";

std::shared_ptr<Engine> OpenEngine(const std::string& name) {
  auto engine = Engine::Open({.model_folder = kModels + name, .threads = 2, .beam_size_max = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return engine.ok() ? std::move(engine).value() : nullptr;
}

// Updates come often, because the model's windows last about two seconds.
LiveOptions Quick(LivePolicy policy = LivePolicy::kAlignAtt) {
  LiveOptions options;
  options.language = "eng";
  options.policy = policy;
  options.first_update_ms = 300;
  options.update_ms = 200;
  options.guard_ms = 160;
  return options;
}

std::unique_ptr<LiveSession> Open(const std::shared_ptr<Engine>& engine,
                                  const LiveOptions& options) {
  auto session = LiveSession::Create(engine, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  return session.ok() ? std::move(session).value() : nullptr;
}

// Three utterances between rests.
std::vector<float> Conversation() {
  std::vector<float> samples = Silence(1.3);
  for (int voice = 0; voice < 3; ++voice) {
    Append(SpeechLike(0.9 + 0.25 * voice, voice), &samples);
    Append(Silence(1.2), &samples);
  }
  return samples;
}

void TakeEvents(LiveSession* session, std::vector<LiveEvent>* events) {
  while (auto event = session->Next()) events->push_back(*std::move(event));
}

using ChunkSize = std::function<size_t()>;

std::vector<LiveEvent> Play(LiveSession* session, const std::vector<float>& samples,
                            const ChunkSize& chunk_size) {
  std::vector<LiveEvent> events;
  std::span<const float> rest(samples);
  while (!rest.empty()) {
    const auto chunk = rest.first(std::min(chunk_size(), rest.size()));
    rest = rest.subspan(chunk.size());
    const Status status = session->Push(chunk);
    EXPECT_TRUE(status.ok()) << status.message();
    TakeEvents(session, &events);
  }
  const Status status = session->Finish();
  EXPECT_TRUE(status.ok()) << status.message();
  TakeEvents(session, &events);
  return events;
}

std::vector<LiveEvent> FinalsOf(const std::vector<LiveEvent>& events) {
  std::vector<LiveEvent> finals;
  for (const LiveEvent& event : events) {
    if (event.type == LiveEventType::kFinal) finals.push_back(event);
  }
  return finals;
}

std::string Summary(const std::vector<LiveEvent>& events) {
  std::string text;
  for (const LiveEvent& event : FinalsOf(events)) {
    text += std::to_string(event.utterance_id) + " " + std::to_string(event.t0_ms) + "-" +
            std::to_string(event.t1_ms) + " " + event.committed + "\n";
    for (const Word& word : event.words) {
      text += " " + word.text + "@" + std::to_string(word.t0_ms);
    }
  }
  return text;
}

class LiveSessionTest : public testing::TestWithParam<LivePolicy> {};

TEST_P(LiveSessionTest, AnyChunkingGivesTheSameText) {
  const auto engine = OpenEngine("model_plain");
  ASSERT_NE(engine, nullptr);
  const std::vector<float> samples = Conversation();
  std::mt19937 random(5);
  const std::map<std::string, ChunkSize> chunkings = {
      {"1 sample", [] { return size_t{1}; }},
      {"10 ms", [] { return size_t{160}; }},
      {"37 ms", [] { return size_t{592}; }},
      {"random", [&] { return size_t{1} + random() % 5000; }},
      {"everything", [&] { return samples.size(); }}};
  const auto session = Open(engine, Quick(GetParam()));
  ASSERT_NE(session, nullptr);
  const auto expected = Play(session.get(), samples, [] { return size_t{16000}; });
  ASSERT_EQ(FinalsOf(expected).size(), 3u);
  EXPECT_GT(FinalsOf(expected)[0].committed.size(), 3u);
  for (const auto& [name, chunking] : chunkings) {
    const auto another = Open(engine, Quick(GetParam()));
    EXPECT_EQ(Summary(Play(another.get(), samples, chunking)), Summary(expected)) << name;
  }
}

// Conventions §2: ids never reopen, committed text is append-only, a final covers its utterance.
TEST_P(LiveSessionTest, EventsKeepTheirContract) {
  const auto session = Open(OpenEngine("model_plain"), Quick(GetParam()));
  ASSERT_NE(session, nullptr);
  const auto events = Play(session.get(), Conversation(), [] { return size_t{160}; });
  std::map<int64_t, LiveEvent> last;
  int64_t open_id = 0, last_input_ms = 0, last_end_ms = 0;
  int partials = 0, silences = 0;
  for (const LiveEvent& event : events) {
    EXPECT_GE(event.input_ms, last_input_ms);
    last_input_ms = event.input_ms;
    silences += event.type == LiveEventType::kSilence ? 1 : 0;
    if (event.type == LiveEventType::kSpeechStart) {
      EXPECT_GT(event.utterance_id, open_id);
      open_id = event.utterance_id;
      EXPECT_GE(event.t0_ms, last_end_ms);
    }
    if (event.type != LiveEventType::kPartial && event.type != LiveEventType::kFinal) continue;
    EXPECT_EQ(event.utterance_id, open_id);
    LiveEvent& before = last[event.utterance_id];
    EXPECT_NE(before.type, LiveEventType::kFinal) << "after its final";
    EXPECT_TRUE(event.committed.starts_with(before.committed))
        << before.committed << " -> " << event.committed;
    EXPECT_GE(event.revision, before.revision);
    int64_t at_ms = event.t0_ms;
    for (const Word& word : event.words) {
      EXPECT_GE(word.t0_ms, at_ms);
      EXPECT_GE(word.t1_ms, word.t0_ms);
      at_ms = word.t1_ms;
    }
    EXPECT_LE(at_ms, event.t1_ms);
    partials += event.type == LiveEventType::kPartial ? 1 : 0;
    if (event.type == LiveEventType::kFinal) {
      EXPECT_TRUE(event.tentative.empty());
      last_end_ms = event.t1_ms;
    }
    before = event;
  }
  EXPECT_GE(partials, 3);
  EXPECT_GE(silences, 1);
  EXPECT_EQ(events.back().type, LiveEventType::kEnd);
}

TEST_P(LiveSessionTest, LongSpeechIsCutIntoUtterancesWithoutLoss) {
  const auto session = Open(OpenEngine("model_plain"), Quick(GetParam()));
  ASSERT_NE(session, nullptr);
  const auto events = Play(session.get(), SpeechLike(9, 1), [] { return size_t{800}; });
  const auto finals = FinalsOf(events);
  EXPECT_GE(finals.size(), 4u);
  for (size_t i = 1; i < finals.size(); ++i) {
    EXPECT_EQ(finals[i].utterance_id, finals[i - 1].utterance_id + 1);
    EXPECT_EQ(finals[i].t0_ms, finals[i - 1].t1_ms) << "audio between two utterances is lost";
  }
}

// What was said before a rest stays in the window behind it, unless no text is carried on.
TEST_P(LiveSessionTest, AWindowReachesOverARest) {
  std::vector<float> samples = SpeechLike(0.45, 0);
  Append(Silence(0.42), &samples);
  Append(SpeechLike(0.4, 1), &samples);
  Append(Silence(0.6), &samples);
  std::array<int64_t, 2> steps = {};
  for (const bool carry : {false, true}) {
    LiveOptions options = Quick(GetParam());
    options.carry_text = carry;
    options.encoder_padding_ms = 0;
    const auto session = Open(OpenEngine("model_plain"), options);
    ASSERT_NE(session, nullptr);
    const auto finals = FinalsOf(Play(session.get(), samples, [] { return size_t{1600}; }));
    ASSERT_EQ(finals.size(), 2u);
    EXPECT_GT(finals[1].t0_ms, finals[0].t1_ms) << "an utterance's own time is its own";
    steps[carry ? 1 : 0] = session->status().timings.encoder_steps;
  }
  EXPECT_GT(steps[1], steps[0]);
}

INSTANTIATE_TEST_SUITE_P(Policies, LiveSessionTest,
                         testing::Values(LivePolicy::kAlignAtt, LivePolicy::kLocalAgreement),
                         [](const auto& test) {
                           return test.param == LivePolicy::kAlignAtt ? "AlignAtt"
                                                                      : "LocalAgreement";
                         });

TEST(LiveSessionNoSpeechTest, TheDecoderHearsNoneOfIt) {
  const auto engine = OpenEngine("model_plain");
  for (const NamedSignal& signal : NonSpeech(6)) {
    const auto session = Open(engine, Quick());
    ASSERT_NE(session, nullptr);
    const auto events = Play(session.get(), signal.samples, [] { return size_t{1600}; });
    EXPECT_TRUE(FinalsOf(events).empty()) << signal.name;
    EXPECT_EQ(session->status().update_count, 0) << signal.name;
    EXPECT_GE(std::count_if(events.begin(), events.end(),
                            [](const auto& e) { return e.type == LiveEventType::kSilence; }),
              5)
        << signal.name;
  }
}

TEST(LiveSessionFlushTest, FlushEndsTheUtteranceAndKeepsTheSession) {
  const auto session = Open(OpenEngine("model_plain"), Quick());
  ASSERT_NE(session, nullptr);
  std::vector<LiveEvent> events;
  for (int voice = 0; voice < 2; ++voice) {
    ASSERT_TRUE(session->Push(SpeechLike(0.9, voice)).ok());
    ASSERT_TRUE(session->Flush().ok());
    EXPECT_FALSE(session->status().in_utterance);
  }
  ASSERT_TRUE(session->Flush().ok()) << "nothing to flush";
  TakeEvents(session.get(), &events);
  const auto finals = FinalsOf(events);
  ASSERT_EQ(finals.size(), 2u);
  EXPECT_GE(finals[0].t1_ms, 860);
  EXPECT_GE(finals[1].t0_ms, finals[0].t1_ms);
  ASSERT_TRUE(session->Finish().ok());
  ASSERT_TRUE(session->Finish().ok()) << "twice is once";
  EXPECT_EQ(session->Push(Silence(0.1)).code(), StatusCode::kInvalidArgument);
}

TEST(LiveSessionFlushTest, ResetStartsTheClockAgain) {
  const auto session = Open(OpenEngine("model_plain"), Quick());
  ASSERT_NE(session, nullptr);
  const auto first = FinalsOf(Play(session.get(), Conversation(), [] { return size_t{1600}; }));
  ASSERT_TRUE(session->Reset().ok());
  EXPECT_EQ(session->status().input_ms, 0);
  const auto second = FinalsOf(Play(session.get(), Conversation(), [] { return size_t{1600}; }));
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].committed, second[i].committed);
    EXPECT_EQ(first[i].t0_ms, second[i].t0_ms);
    EXPECT_EQ(second[i].utterance_id, first[i].utterance_id + static_cast<int64_t>(first.size()));
  }
}

// What is cut off at its last phoneme ends like what is followed by silence.
TEST(LiveSessionFlushTest, SpeechAtTheVeryEndIsDecoded) {
  const auto session = Open(OpenEngine("model_plain"), Quick());
  ASSERT_NE(session, nullptr);
  for (const size_t count : {size_t{0}, size_t{1}, size_t{399}}) {
    const auto events =
        Play(session.get(), std::vector<float>(count, 0.1f), [] { return size_t{100}; });
    EXPECT_TRUE(FinalsOf(events).empty()) << count;
    ASSERT_TRUE(session->Reset().ok());
  }
  const auto finals =
      FinalsOf(Play(session.get(), SpeechLike(1.234, 2), [] { return size_t{1600}; }));
  ASSERT_EQ(finals.size(), 1u);
  EXPECT_GE(finals[0].t1_ms, 1230);
}

TEST(LiveSessionLagTest, TentativeWorkIsDroppedAndAudioIsNot) {
  const auto engine = OpenEngine("model_plain");
  const auto session = Open(engine, Quick());
  ASSERT_NE(session, nullptr);
  std::vector<LiveEvent> events;
  const std::vector<float> samples = Conversation();
  std::span<const float> rest(samples);
  while (!rest.empty()) {
    const auto chunk = rest.first(std::min<size_t>(1600, rest.size()));
    rest = rest.subspan(chunk.size());
    ASSERT_TRUE(session->Push(chunk, 16000 * 5).ok());
    TakeEvents(session.get(), &events);
  }
  ASSERT_TRUE(session->Finish().ok());
  TakeEvents(session.get(), &events);
  EXPECT_GT(session->status().dropped_count, 3);
  EXPECT_EQ(session->status().update_count, 3) << "one for each utterance";
  const auto finals = FinalsOf(events);
  EXPECT_EQ(finals.size(), 3u);
  for (const LiveEvent& event : events) EXPECT_NE(event.type, LiveEventType::kPartial);
  EXPECT_EQ(events[0].lag_ms, 5000);
}

TEST(LiveSessionGatesTest, OneLookServesTheWholeStream) {
  const auto session = Open(OpenEngine("model_gated"), Quick());
  ASSERT_NE(session, nullptr);
  const auto events = Play(session.get(), Conversation(), [] { return size_t{1600}; });
  EXPECT_EQ(FinalsOf(events).size(), 3u);
  EXPECT_EQ(session->status().gate_look_count, 1);
  ASSERT_TRUE(session->Reset().ok());
  session->LookAtGatesAgain();
  Play(session.get(), SpeechLike(1, 0), [] { return size_t{1600}; });
  EXPECT_EQ(session->status().gate_look_count, 2);
  ASSERT_TRUE(session->Reset().ok());
  ASSERT_TRUE(session->SetContext("deu", "asr").ok());
  Play(session.get(), SpeechLike(1, 0), [] { return size_t{1600}; });
  EXPECT_EQ(session->status().gate_look_count, 3);
}

TEST(LiveSessionVocabularyTest, OnlyTheLanguagesScriptsAreWritten) {
  const auto engine = OpenEngine("model_plain");  // has kana beside Latin
  ASSERT_NE(engine, nullptr);
  for (const char* language : {"eng", "auto"}) {
    LiveOptions options = Quick();
    options.language = language;
    options.restrict_vocabulary = true;
    const auto session = Open(engine, options);
    ASSERT_NE(session, nullptr);
    ASSERT_TRUE(session->WarmUp().ok());
    const auto finals = FinalsOf(Play(session.get(), Conversation(), [] { return size_t{1600}; }));
    ASSERT_FALSE(finals.empty());
    for (const LiveEvent& final : finals) {
      const std::optional<Scripts> scripts = Scripts::Of(final.language);
      ASSERT_TRUE(scripts) << final.language;
      EXPECT_TRUE(scripts->MayHold(final.committed)) << final.language << ": " << final.committed;
    }
  }
}

TEST(LiveSessionOptionsTest, NonsenseIsRefused) {
  const auto engine = OpenEngine("model_plain");
  const auto code = [&](const LiveOptions& options) {
    return LiveSession::Create(engine, options).status().code();
  };
  LiveOptions options = Quick();
  options.language = "fra";
  EXPECT_EQ(code(options), StatusCode::kUnsupported);
  options = Quick();
  options.silence.end_ms = 50;
  EXPECT_EQ(code(options), StatusCode::kInvalidArgument);
  options = Quick();
  options.update_ms = 1;
  EXPECT_EQ(code(options), StatusCode::kInvalidArgument);
  options = Quick();
  options.strictness = 7;
  EXPECT_EQ(code(options), StatusCode::kInvalidArgument);
}

// Speech that goes on as soon as an utterance has ended: the pre-roll is not its own.
TEST(LiveSessionRestTest, UtterancesDoNotOverlap) {
  LiveOptions options = Quick();
  options.silence.end_ms = options.silence.end_unfinished_ms = options.silence.pause_ms;
  const auto session = Open(OpenEngine("model_plain"), options);
  ASSERT_NE(session, nullptr);
  std::vector<float> samples;
  for (int voice = 0; voice < 4; ++voice) {
    Append(SpeechLike(0.8, voice), &samples);
    Append(Silence(0.3), &samples);
  }
  const auto finals = FinalsOf(Play(session.get(), samples, [] { return size_t{1600}; }));
  ASSERT_GE(finals.size(), 3u);
  for (size_t i = 1; i < finals.size(); ++i) {
    EXPECT_GE(finals[i].t0_ms, finals[i - 1].t1_ms) << i;
  }
}

// A cancelled call keeps the audio: the next one gives the same text.
TEST(LiveSessionCancelTest, NothingIsLost) {
  const auto engine = OpenEngine("model_plain");
  LiveOptions options = Quick();
  options.first_update_ms = 5000;  // the finals only: no update is due in between
  const std::vector<float> samples = Conversation();
  const auto undisturbed = Open(engine, options);
  const std::string expected =
      Summary(Play(undisturbed.get(), samples, [] { return size_t{1600}; }));
  const auto session = Open(engine, options);
  std::stop_source stopped;
  stopped.request_stop();
  std::vector<LiveEvent> events;
  session->set_stop(stopped.get_token());
  Status status = session->Push(samples);
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  session->set_stop({});
  // The pause that was cancelled is decoded when it has become an end.
  ASSERT_TRUE(session->Push({}).ok());
  ASSERT_TRUE(session->Finish().ok());
  TakeEvents(session.get(), &events);
  EXPECT_EQ(Summary(events), expected);
}

// One utterance after another, of which nothing is committed before it is cut.
LiveOptions CutsOnly() {
  LiveOptions options = Quick();
  options.detect_speech = false;
  options.first_update_ms = 60'000;
  return options;
}

// A cut whose decoding is cancelled is made by the next call, and the stream goes on behind it.
TEST(LiveSessionCancelTest, ACutIsMadeByTheNextCall) {
  const auto fault = std::make_shared<Fault>();
  const auto engine =
      Engine::Open({.model_folder = kModels + "model_plain",
                    .threads = 1,
                    .beam_size_max = 1,
                    .open_backend = [fault] { return FaultyBackend::Make(fault); }});
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  const std::vector<float> samples = SpeechLike(6, 1);
  const auto undisturbed = Open(*engine, CutsOnly());
  const auto expected = Play(undisturbed.get(), samples, [] { return size_t{160}; });
  ASSERT_GE(FinalsOf(expected).size(), 3u);
  EXPECT_EQ(std::count_if(expected.begin(), expected.end(),
                          [](const auto& e) { return e.type == LiveEventType::kSpeechEnd; }),
            1)
      << "a cut has none";
  const auto session = Open(*engine, CutsOnly());
  std::vector<LiveEvent> events;
  int cancelled_count = 0;
  for (size_t at = 0; at < samples.size(); at += 160) {
    std::stop_source stop;
    session->set_stop(stop.get_token());
    fault->before_run = [&] { stop.request_stop(); };
    const Status status = session->Push(std::span(samples).subspan(at, 160));
    fault->before_run = {};
    session->set_stop({});
    if (!status.ok()) {
      EXPECT_EQ(status.code(), StatusCode::kCancelled);
      ++cancelled_count;
      ASSERT_TRUE(session->Push({}).ok());
    }
    ASSERT_TRUE(session->status().in_utterance) << at;
    TakeEvents(session.get(), &events);
  }
  EXPECT_GE(cancelled_count, 3);
  ASSERT_TRUE(session->Finish().ok());
  TakeEvents(session.get(), &events);
  EXPECT_EQ(Summary(events), Summary(expected));
}

TEST(LiveSessionMemoryTest, CutsLetGoOfWhatIsBehindThem) {
  const auto session = Open(OpenEngine("model_plain"), CutsOnly());
  ASSERT_NE(session, nullptr);
  const std::vector<float> samples = SpeechLike(12, 1);
  int64_t most_ms = 0;
  for (size_t at = 0; at < samples.size(); at += 1600) {
    ASSERT_TRUE(session->Push(std::span(samples).subspan(at, 1600)).ok());
    most_ms = std::max(most_ms, session->status().kept_ms);
  }
  EXPECT_LE(most_ms, 2400) << "more than the model's window";
}

TEST(LiveSessionThreadsTest, TwoSessionsOfOneEngineAtOnce) {
  const auto engine = OpenEngine("model_gated");
  const std::vector<float> samples = Conversation();
  const auto alone = Open(engine, Quick());
  const std::string expected = Summary(Play(alone.get(), samples, [] { return size_t{1600}; }));
  std::array<std::string, 2> texts;
  std::vector<std::jthread> threads;
  for (std::string& text : texts) {
    threads.emplace_back([&] {
      const auto session = Open(engine, Quick());
      text = Summary(Play(session.get(), samples, [] { return size_t{1600}; }));
    });
  }
  threads.clear();
  for (const std::string& text : texts) EXPECT_EQ(text, expected);
}

// What was committed stays, and the text goes on as if nothing had happened.
TEST(LiveSessionDeviceTest, TheCpuGoesOnWhicheverRunOfADeviceIsTheLast) {
  const auto run = [](const std::shared_ptr<Fault>& fault) {
    auto engine = Engine::Open({.model_folder = kModels + "model_plain",
                                .threads = 1,
                                .beam_size_max = 1,
                                .open_backend = [fault] { return FaultyBackend::Make(fault); }});
    EXPECT_TRUE(engine.ok()) << engine.status().message();
    const auto session = Open(*engine, Quick());
    return Play(session.get(), Conversation(), [] { return size_t{1600}; });
  };
  const auto healthy = std::make_shared<Fault>();
  const std::vector<LiveEvent> expected = run(healthy);
  ASSERT_GT(healthy->run_count, 20);
  for (int n = 0; n < healthy->run_count; n += healthy->run_count / 9) {
    SCOPED_TRACE(n);
    const auto fault = std::make_shared<Fault>();
    fault->runs_left = n;
    std::vector<LiveEvent> events = run(fault);
    EXPECT_EQ(fault->run_count, n + 1) << "a lost device is not asked again";
    EXPECT_EQ(std::erase_if(events,
                            [](const LiveEvent& e) {
                              return e.type == LiveEventType::kError &&
                                     e.status.code() == StatusCode::kDeviceLost;
                            }),
              1u);
    EXPECT_EQ(Summary(events), Summary(expected));
  }
}

}  // namespace
}  // namespace espalier
