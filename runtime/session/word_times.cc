#include "runtime/session/word_times.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/search/attention_alignment.h"
#include "runtime/search/ctc_alignment.h"
#include "runtime/search/whisper_search.h"
#include "runtime/session/owsm_text.h"
#include "runtime/session/whisper_tokens.h"
#include "runtime/session/window.h"
#include "runtime/session/words.h"

namespace espalier {
namespace {

// A token is taken to begin where the one before it ends, hence a rest counts for the word behind
// it, or the last one before it. Words are not that long (openai-whisper timing.py has the same
// rule).
constexpr int64_t kLongestMedianMs = 700;

struct TextTokens {
  std::vector<int> ids = {};
  std::vector<float> log_probs = {};
  std::vector<size_t> counts = {};  // of each segment
};

bool IsText(const Engine& engine, int token) {
  const ModelConfig& config = engine.config();
  if (config.family == ModelFamily::kWhisper) return token < config.whisper->eot_id;
  return !engine.tokenizer().IsSpecial(token) && token != config.owsm->blank_id;
}

TextTokens TextOf(const Engine& engine, std::span<const Segment> segments) {
  TextTokens text;
  for (const Segment& segment : segments) {
    const size_t before = text.ids.size();
    for (size_t i = 0; i < segment.tokens.size(); ++i) {
      if (!IsText(engine, segment.tokens[i])) continue;
      text.ids.push_back(segment.tokens[i]);
      text.log_probs.push_back(segment.log_probs[i]);
    }
    text.counts.push_back(text.ids.size() - before);
  }
  return text;
}

class Timer {
 public:
  Timer(Inference& inference, const Context& context, const SpokenAudio& audio)
      : inference_(inference), engine_(*inference.engine()), context_(context) {
    const FrontendConfig& frontend = engine_.config().frontend;
    sample_rate_ = frontend.sample_rate;
    step_samples_ = int64_t{FramesPerStep(engine_.config().encoder)} * frontend.hop_length;
    begin_ms_ = audio.begin_ms;
    end_ms_ = audio.begin_ms + std::ssize(audio.samples) * 1000 / sample_rate_;
    const int64_t steps = (std::ssize(audio.samples) + step_samples_ - 1) / step_samples_;
    content_steps_ =
        static_cast<int>(std::clamp<int64_t>(steps, 1, std::max(inference.encoder_steps(), 1)));
  }

  // One a token; nothing where nobody knows.
  Result<std::vector<TokenTime>> Times(std::span<const int> tokens) {
    if (engine_.config().has_ctc && context_.task == "transcribe") {
      std::vector<TokenTime> times;
      ESP_ASSIGN_OR_RETURN(times, TimesByCtc(tokens));
      if (!times.empty()) return times;
    }
    return TimesByAttention(tokens);
  }

 private:
  int64_t MsOf(int step) const {
    const int64_t ms = begin_ms_ + step * step_samples_ * 1000 / sample_rate_;
    return std::min(ms, end_ms_);
  }

  Result<std::vector<TokenTime>> TimesByCtc(std::span<const int> tokens) {
    const auto width = static_cast<size_t>(inference_.vocabulary_size());
    ESP_ASSIGN_OR_RETURN(const std::span<const float> log_probs, inference_.CtcLogProbs());
    const Result<std::vector<int>> steps =
        AlignByCtc(log_probs.first(static_cast<size_t>(content_steps_) * width),
                   inference_.vocabulary_size(), engine_.config().owsm->blank_id, tokens);
    // More tokens than steps, or a text that CTC takes for impossible: the decoder may know better.
    if (!steps.ok()) return std::vector<TokenTime>();
    std::vector<int64_t> at_ms;
    for (const int step : *steps) at_ms.push_back(MsOf(step));
    return TimesAround(at_ms, begin_ms_, end_ms_);
  }

  Result<std::vector<int>> Prompt() const {
    if (engine_.config().family == ModelFamily::kOwsm) {
      return OwsmPrimer(engine_, context_, /*timestamps=*/false, {});
    }
    return BuildWhisperPrompt(
        WhisperTokenIdsOf(*engine_.config().whisper),
        {.language = context_.language_id, .task = context_.task_id, .timestamps = false},
        inference_.max_positions());
  }

  Result<std::vector<TokenTime>> TimesByAttention(std::span<const int> tokens) {
    std::vector<TokenTime> times;
    if (!inference_.HasAlignment()) return times;
    ESP_ASSIGN_OR_RETURN(std::vector<int> prompt, Prompt());
    const int first = static_cast<int>(prompt.size()) - 1;  // this row predicts the first token
    prompt.insert(prompt.end(), tokens.begin(), tokens.end());
    if (std::ssize(prompt) > inference_.max_positions()) return times;
    std::vector<float> unused(static_cast<size_t>(inference_.vocabulary_size()));
    ESP_RETURN_IF_ERROR(inference_.Start(prompt, std::array{first}, unused));

    const int rows = static_cast<int>(tokens.size()) + 1;
    std::vector<float> weights;
    for (int row = 0; row < rows; ++row) {
      ESP_ASSIGN_OR_RETURN(const std::span<const float> all, inference_.AlignmentRow(first + row));
      weights.insert(weights.end(), all.begin(), all.begin() + content_steps_);
    }
    ESP_ASSIGN_OR_RETURN(const std::vector<int> begins, AlignByAttention(weights, rows));
    for (size_t i = 0; i < tokens.size(); ++i) {
      times.push_back({.begin_ms = MsOf(begins[i]), .end_ms = MsOf(begins[i + 1])});
    }
    return times;
  }

  Inference& inference_;
  const Engine& engine_;
  const Context& context_;
  int64_t step_samples_ = 1, sample_rate_ = 1;
  int64_t begin_ms_ = 0, end_ms_ = 0;
  int content_steps_ = 1;
};

// The longest that a word of the segments is taken to be.
int64_t LongestWordMs(std::span<const Segment> segments) {
  std::vector<int64_t> lengths;
  for (const Segment& segment : segments) {
    for (const Word& word : segment.words) {
      if (word.t1_ms > word.t0_ms) lengths.push_back(word.t1_ms - word.t0_ms);
    }
  }
  if (lengths.empty()) return 0;
  const auto middle = lengths.begin() + std::ssize(lengths) / 2;
  std::nth_element(lengths.begin(), middle, lengths.end());
  return 2 * std::min(*middle, kLongestMedianMs);
}

// Takes the rests out of long words: at the front where a sentence begins, else at the back.
void ShortenWords(int64_t longest_ms, std::span<Segment> segments) {
  for (Segment& segment : segments) {
    bool begins_sentence = true;
    for (Word& word : segment.words) {
      if (word.t1_ms - word.t0_ms > longest_ms) {
        if (begins_sentence) {
          word.t0_ms = word.t1_ms - longest_ms;
        } else {
          word.t1_ms = word.t0_ms + longest_ms;
        }
      }
      begins_sentence = EndsSentence(word.text);
    }
  }
}

// Which stretches of 10 ms are quiet: far below the loud ones, or hardly above the noise that is
// always there.
std::vector<bool> QuietFrames(std::span<const float> samples, size_t frame_samples) {
  constexpr double kQuiet = 0.05, kNoisy = 0.2;  // of the loudness that one frame in 20 is beyond
  constexpr double kOverNoise = 1.5;             // which one frame in ten is not beyond
  std::vector<double> loudness;
  for (size_t at = 0; at + frame_samples <= samples.size(); at += frame_samples) {
    double sum = 0;
    for (const float sample : samples.subspan(at, frame_samples)) sum += double{sample} * sample;
    loudness.push_back(std::sqrt(sum / static_cast<double>(frame_samples)));
  }
  if (loudness.empty()) return {};
  std::vector<double> sorted = loudness;
  std::sort(sorted.begin(), sorted.end());
  const double loud = sorted[sorted.size() * 19 / 20], noise = sorted[sorted.size() / 10];
  const double bound = std::max(kQuiet * loud, std::min(kOverNoise * noise, kNoisy * loud));
  std::vector<bool> quiet;
  for (const double each : loudness) quiet.push_back(each < bound);
  return quiet;
}

// A word that is all quiet stays as it is.
void LeaveOutQuietEdges(const SpokenAudio& audio, int sample_rate, std::span<Segment> segments) {
  constexpr int64_t kFrameMs = 10;
  const std::vector<bool> quiet =
      QuietFrames(audio.samples, static_cast<size_t>(sample_rate * kFrameMs / 1000));
  for (Segment& segment : segments) {
    for (Word& word : segment.words) {
      auto first = (word.t0_ms - audio.begin_ms) / kFrameMs;
      auto end = std::min((word.t1_ms - audio.begin_ms) / kFrameMs, std::ssize(quiet));
      while (first < end && quiet[static_cast<size_t>(first)]) ++first;
      while (first < end && quiet[static_cast<size_t>(end - 1)]) --end;
      if (first >= end) continue;
      word.t0_ms = std::max(word.t0_ms, audio.begin_ms + first * kFrameMs);
      word.t1_ms = std::max(word.t0_ms, std::min(word.t1_ms, audio.begin_ms + end * kFrameMs));
    }
  }
}

}  // namespace

Result<bool> TimeWords(Inference& inference, const Context& context, const SpokenAudio& audio,
                       std::span<Segment> segments) {
  const Engine& engine = *inference.engine();
  const TextTokens text = TextOf(engine, segments);
  if (text.ids.empty()) return true;
  std::vector<TokenTime> times;
  ESP_ASSIGN_OR_RETURN(times, Timer(inference, context, audio).Times(text.ids));
  if (times.empty()) return false;
  const WordSplitter splitter(engine);
  size_t begin = 0;
  for (size_t s = 0; s < segments.size(); ++s) {
    const size_t count = text.counts[s];
    segments[s].words = MakeWords(
        splitter, context.written_in, std::span(text.ids).subspan(begin, count),
        std::span(text.log_probs).subspan(begin, count), std::span(times).subspan(begin, count));
    begin += count;
  }
  const int64_t longest_ms = LongestWordMs(segments);
  LeaveOutQuietEdges(audio, engine.config().frontend.sample_rate, segments);
  ShortenWords(longest_ms, segments);
  return true;
}

}  // namespace espalier
