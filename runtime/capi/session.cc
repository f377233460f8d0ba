#include "runtime/capi/session.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "runtime/audio/audio_reader.h"
#include "runtime/base/string_format.h"
#include "runtime/capi/abort_watch.h"
#include "runtime/capi/espalier.h"
#include "runtime/capi/guard.h"
#include "runtime/capi/model.h"

using namespace espalier;        // NOLINT(google-build-using-namespace): the C interface's names
using namespace espalier::capi;  // NOLINT(google-build-using-namespace): are all prefixed

namespace {

constexpr int32_t kPaddingThatSuits = -2;

LiveOptions OptionsOf(const esp_session_options& from) {
  LiveOptions options;
  if (from.language != nullptr) options.language = from.language;
  if (from.task != nullptr) options.task = from.task;
  if (from.initial_prompt != nullptr) options.initial_prompt = from.initial_prompt;
  options.policy = from.policy == ESP_POLICY_LOCAL_AGREEMENT ? LivePolicy::kLocalAgreement
                                                             : LivePolicy::kAlignAtt;
  options.restrict_vocabulary = from.restrict_vocabulary != 0;
  options.detect_speech = from.detect_speech != 0;
  options.update_ms = from.update_ms;
  options.guard_ms = from.guard_ms;
  options.silence.end_ms = from.end_silence_ms;
  options.silence.end_unfinished_ms = from.end_silence_unfinished_ms;
  options.heartbeat_ms = from.heartbeat_ms;
  options.carry_text = from.carry_text != 0;
  options.first_update_ms = from.first_update_ms;
  options.longest_window_ms = from.longest_window_ms;
  options.strictness = from.strictness;
  if (from.encoder_padding_ms > kPaddingThatSuits) {
    options.encoder_padding_ms = from.encoder_padding_ms;
  }
  return options;
}

bool SameText(const std::optional<LiveEvent>& a, const std::optional<LiveEvent>& b,
              std::string LiveEvent::*text) {
  if (a.has_value() != b.has_value()) return false;
  return !a || ((*a).*text == (*b).*text && a->utterance_id == b->utterance_id);
}

void TakeEvents(esp_session* session) {
  while (std::optional<LiveEvent> event = session->live->Next()) {
    switch (event->type) {
      case LiveEventType::kSpeechStart:
      case LiveEventType::kPartial:
        session->partial = event;
        break;
      case LiveEventType::kFinal:
        session->partial.reset();
        session->finals.push_back(session->events.size());
        session->committed_ms = std::max(session->committed_ms, event->t1_ms);
        break;
      case LiveEventType::kEnd:
        session->finished = true;
        break;
      case LiveEventType::kError:  // the call's own status, or a device that the CPU took over from
        Log(ESP_LOG_WARNING, event->status.message());
        break;
      case LiveEventType::kSpeechEnd:
      case LiveEventType::kSilence:
        break;
    }
    session->events.push_back(*std::move(event));
  }
  if (session->partial && !session->partial->words.empty()) {
    session->committed_ms = std::max(session->committed_ms, session->partial->words.back().t1_ms);
  }
}

Status FillUpdate(const esp_session& session, const std::optional<LiveEvent>& before,
                  esp_update* out) {
  if (out == nullptr) return OkStatus();
  const LiveStatus status = session.live->status();
  esp_update update{};
  update.final_count = static_cast<int32_t>(session.finals.size());
  const bool committed_same = SameText(before, session.partial, &LiveEvent::committed);
  const bool tentative_same = SameText(before, session.partial, &LiveEvent::tentative);
  update.committed_changed = !committed_same || update.final_count > 0;
  update.tentative_changed = !tentative_same;
  update.partial_changed = !committed_same || !tentative_same;
  update.in_speech = status.in_utterance;
  update.is_final = session.finished;
  update.revision = session.partial ? session.partial->revision : 0;
  update.input_ms = status.input_ms;
  update.committed_ms = session.committed_ms;
  update.buffered_ms = std::max<int64_t>(status.input_ms - session.committed_ms, 0);
  update.lag_ms = session.backlog_samples / (kVoiceSampleRate / 1000);
  return WriteStruct(update, out);
}

// Runs work(), which may compute, under the session's stop and abort.
template <typename Work>
esp_status Compute(esp_session* session, esp_update* out, const Work& work) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    std::stop_source stop;
    {
      const std::lock_guard lock(session->stop_mutex);
      stop = session->stop;
    }
    session->live->set_stop(stop.get_token());
    session->events.clear();
    session->finals.clear();
    const std::optional<LiveEvent> before = session->partial;
    Status status;
    {
      const AbortWatch watch(session->abort_fn, session->abort_user, stop);
      status = work();
    }
    TakeEvents(session);
    if (status.code() == StatusCode::kCancelled) {
      const std::lock_guard lock(session->stop_mutex);
      session->stop = std::stop_source();
    }
    ESP_RETURN_IF_ERROR(status);
    return FillUpdate(*session, before, out);
  });
}

esp_status Begin(esp_session* session) {
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    session->events.clear();
    session->finals.clear();
    session->partial.reset();
    session->committed_ms = 0;
    session->finished = false;
    return session->live->Reset();
  });
}

}  // namespace

extern "C" {

void esp_session_options_init(esp_session_options* options) {
  if (options == nullptr) return;
  const LiveOptions defaults;
  *options = {.struct_size = sizeof(*options),
              .language = nullptr,
              .task = nullptr,
              .initial_prompt = nullptr,
              .policy = ESP_POLICY_ALIGN_ATT,
              .detect_speech = defaults.detect_speech,
              .update_ms = defaults.update_ms,
              .guard_ms = defaults.guard_ms,
              .end_silence_ms = defaults.silence.end_ms,
              .end_silence_unfinished_ms = defaults.silence.end_unfinished_ms,
              .heartbeat_ms = defaults.heartbeat_ms,
              .carry_text = defaults.carry_text,
              .first_update_ms = defaults.first_update_ms,
              .longest_window_ms = defaults.longest_window_ms,
              .strictness = defaults.strictness,
              .encoder_padding_ms = kPaddingThatSuits,
              .restrict_vocabulary = defaults.restrict_vocabulary};
}

void esp_update_init(esp_update* update) { Initialize(update); }

esp_status esp_session_open(esp_model* model, const esp_session_options* options,
                            esp_session** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (model == nullptr || out == nullptr) return InvalidArgument("model or session is null");
    esp_session_options own;
    esp_session_options_init(&own);
    ESP_RETURN_IF_ERROR(ReadStruct(options, &own));
    auto session = std::make_unique<esp_session>();
    const LiveOptions live = OptionsOf(own);
    session->language = live.language;
    session->task = live.task;
    ESP_ASSIGN_OR_RETURN(session->live, LiveSession::Create(model->engine, live));
    *out = session.release();
    return OkStatus();
  });
}

void esp_session_close(esp_session* session) { delete session; }

esp_status esp_begin(esp_session* session) { return Begin(session); }
esp_status esp_reset(esp_session* session) { return Begin(session); }

esp_status esp_feed(esp_session* session, const float* samples, size_t count, esp_update* update) {
  return Compute(session, update, [&]() -> Status {
    if (samples == nullptr && count > 0) return InvalidArgument("samples are null");
    ESP_RETURN_IF_ERROR(CheckSamples({samples, count}));
    return session->live->Push({samples, count}, session->backlog_samples);
  });
}

esp_status esp_feed_i16(esp_session* session, const int16_t* samples, size_t count,
                        esp_update* update) {
  return Compute(session, update, [&]() -> Status {
    if (samples == nullptr && count > 0) return InvalidArgument("samples are null");
    session->converted.resize(count);
    std::transform(samples, samples + count, session->converted.begin(),
                   [](int16_t sample) { return static_cast<float>(sample) / 32768.0f; });
    return session->live->Push(session->converted, session->backlog_samples);
  });
}

esp_status esp_flush(esp_session* session, esp_update* update) {
  return Compute(session, update, [&] { return session->live->Flush(); });
}

esp_status esp_finish(esp_session* session, esp_update* update) {
  return Compute(session, update, [&] { return session->live->Finish(); });
}

esp_status esp_warm_up(esp_session* session) {
  return Compute(session, nullptr, [&] { return session->live->WarmUp(); });
}

esp_status esp_set_backlog(esp_session* session, int64_t samples) {
  return Guard([&]() -> Status {
    if (session == nullptr || samples < 0) {
      return InvalidArgument("the session is null or the backlog negative");
    }
    session->backlog_samples = samples;
    return OkStatus();
  });
}

esp_status esp_set_context(esp_session* session, const char* language, const char* task) {
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    const std::string new_language = language != nullptr ? language : session->language;
    const std::string new_task = task != nullptr ? task : session->task;
    ESP_RETURN_IF_ERROR(session->live->SetContext(new_language, new_task));
    session->language = new_language;
    session->task = new_task;
    return OkStatus();
  });
}

esp_status esp_look_at_gates(esp_session* session) {
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    session->live->LookAtGatesAgain();
    return OkStatus();
  });
}

esp_status esp_session_abort(esp_session* session) {
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    const std::lock_guard lock(session->stop_mutex);
    session->stop.request_stop();
    return OkStatus();
  });
}

esp_status esp_set_abort(esp_session* session, esp_abort_fn abort_fn, void* user) {
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    session->abort_fn = abort_fn;
    session->abort_user = user;
    return OkStatus();
  });
}

}  // extern "C"
