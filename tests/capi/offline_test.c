/* The C interface of whole recordings and gates, from C, on the goldens' models. */
#include <espalier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

enum { kMost = 1 << 20 };

/* All samples of `audio`, read `at_once`; *count of them. The caller frees them. */
static float *read_all(esp_audio *audio, size_t at_once, size_t *count) {
  float *samples = malloc(kMost * sizeof *samples);
  size_t read = 1;
  *count = 0;
  if (samples == NULL) exit(2);
  while (read > 0 && *count + at_once <= kMost) {
    EXPECT(esp_audio_read(audio, samples + *count, at_once, &read) == ESP_OK);
    *count += read;
  }
  return samples;
}

struct given {
  const float *samples;
  int64_t left;
};

static int64_t give(void *user, float *into, int64_t count) {
  struct given *given = user;
  const int64_t some = count < given->left ? count : given->left;
  memcpy(into, given->samples, (size_t)some * sizeof *into);
  given->samples += some;
  given->left -= some;
  return some;
}

static int64_t fail(void *user, float *into, int64_t count) {
  (void)user;
  (void)into;
  (void)count;
  return -1;
}

static void test_audio(const char *wav, const char *folder) {
  esp_audio_options options;
  esp_audio *audio = (esp_audio *)1;
  esp_resampler *resampler = NULL;
  float *samples, half[64];
  size_t count = 0, again = 0, read = 7, taken = 0, given = 0;
  EXPECT(esp_audio_open("no/such.wav", NULL, &audio) == ESP_INVALID_ARGUMENT && audio == NULL);
  EXPECT(strstr(esp_last_error(), "no/such.wav") != NULL);
  EXPECT(esp_audio_open(folder, NULL, &audio) == ESP_INVALID_ARGUMENT);
  EXPECT(esp_audio_open(NULL, NULL, &audio) == ESP_INVALID_ARGUMENT);
  esp_audio_options_init(&options);
  EXPECT(options.sample_rate == 16000 && options.raw_channels == 1);
  options.sample_rate = 8000;
  EXPECT(esp_audio_open(wav, &options, &audio) == ESP_OK);
  free(read_all(audio, 1000, &again));
  esp_audio_close(audio);
  EXPECT(esp_audio_open(wav, NULL, &audio) == ESP_OK);
  samples = read_all(audio, 777, &count);
  EXPECT(count > 16000 && esp_audio_total_samples(audio) == (int64_t)count);
  EXPECT(again == (count + 1) / 2);
  EXPECT(esp_audio_read(audio, NULL, 5, &read) == ESP_INVALID_ARGUMENT && read == 0);
  esp_audio_close(audio);
  EXPECT(esp_audio_open_reader(NULL, NULL, 0, &audio) == ESP_INVALID_ARGUMENT && audio == NULL);
  EXPECT(esp_audio_open_reader(fail, NULL, -1, &audio) == ESP_OK);
  EXPECT(esp_audio_total_samples(audio) == -1);
  EXPECT(esp_audio_read(audio, half, 64, &read) == ESP_INVALID_ARGUMENT && read == 0);
  esp_audio_close(audio);
  esp_audio_close(NULL);
  EXPECT(esp_audio_total_samples(NULL) == -1);
  EXPECT(esp_resampler_open(48000, 0, &resampler) == ESP_INVALID_ARGUMENT && resampler == NULL);
  EXPECT(esp_resampler_open(32000, 16000, &resampler) == ESP_OK);
  while (given == 0) {
    EXPECT(esp_resample(resampler, samples, 1000, &taken, half, 64, &given) == ESP_OK);
  }
  EXPECT(given <= 64 && taken <= 1000);
  EXPECT(esp_resample(NULL, samples, 1, &taken, half, 64, &given) == ESP_INVALID_ARGUMENT);
  EXPECT(taken == 0 && given == 0);
  esp_resampler_close(resampler);
  free(samples);
}

struct heard {
  char text[4096];
  int segments, progress, stop_at; /* stop_at: after so many segments; 0: never */
  int words;
};

/* Words are in order, within the segment's text, and no more than they are; how many. */
static int check_words(const esp_transcript_segment *segment) {
  const char *at = segment->text;
  int64_t end_ms = segment->window_t0_ms;
  esp_word word;
  esp_word_init(&word);
  for (int32_t i = 0; i < segment->word_count; i++) {
    EXPECT(esp_transcript_word(segment, i, &word) == ESP_OK);
    EXPECT(word.size > 0 && strlen(word.text) == word.size);
    EXPECT(word.t0_ms >= end_ms && word.t1_ms >= word.t0_ms);
    EXPECT(word.probability > 0 && word.probability <= 1);
    at = strstr(at, word.text);
    EXPECT(at != NULL);
    if (at == NULL) break;
    at += word.size;
    end_ms = word.t1_ms;
  }
  EXPECT(esp_transcript_word(segment, segment->word_count, &word) == ESP_INVALID_ARGUMENT);
  EXPECT(word.text == NULL && esp_transcript_word(segment, -1, &word) == ESP_INVALID_ARGUMENT);
  return segment->word_count;
}

static int hear(const esp_transcript_segment *segment, void *user) {
  struct heard *heard = user;
  EXPECT(strlen(segment->text) == segment->text_size && segment->t1_ms >= segment->t0_ms);
  strncat(heard->text, segment->text, sizeof heard->text - strlen(heard->text) - 1);
  heard->words += check_words(segment);
  return ++heard->segments == heard->stop_at;
}

static int count_progress(double done_s, double total_s, void *user) {
  struct heard *heard = user;
  EXPECT(done_s > 0 && total_s > 1);
  heard->progress++;
  return 0;
}

static int at_once(void *user) {
  (void)user;
  return 1;
}

/* The transcript's text; it is what the observer heard. */
static void check_transcript(const esp_transcriber *transcriber, const struct heard *heard) {
  char text[4096] = "";
  esp_transcript transcript;
  esp_transcript_segment segment;
  esp_timings timings;
  esp_device_counters counters;
  esp_transcript_init(&transcript);
  esp_transcript_segment_init(&segment);
  esp_timings_init(&timings);
  esp_device_counters_init(&counters);
  EXPECT(esp_get_transcript(transcriber, &transcript) == ESP_OK);
  EXPECT(strcmp(transcript.task, "transcribe") == 0 && transcript.duration_ms > 1000);
  EXPECT(transcript.segment_count == heard->segments && heard->segments > 0);
  for (int32_t i = 0; i < transcript.segment_count; i++) {
    EXPECT(esp_transcript_segment_at(transcriber, i, &segment) == ESP_OK);
    EXPECT(strcmp(segment.language, transcript.language) == 0);
    EXPECT(segment.text_size == 0 || (segment.token_count > 0 && segment.tokens != NULL));
    EXPECT(strcmp(esp_outcome_string(segment.outcome), "unknown") != 0);
    strncat(text, segment.text, sizeof text - strlen(text) - 1);
  }
  EXPECT(strcmp(text, heard->text) == 0);
  EXPECT(esp_transcript_segment_at(transcriber, transcript.segment_count, &segment) ==
         ESP_INVALID_ARGUMENT);
  EXPECT(segment.text == NULL && segment.token_count == 0);
  EXPECT(esp_transcript_warning(transcriber, transcript.warning_count) == NULL);
  EXPECT(esp_transcript_timings(transcriber, &timings) == ESP_OK);
  EXPECT(timings.total_s > 0 && timings.encoder_s > 0 && timings.window_count >= 1);
  EXPECT(timings.token_count > 0 && timings.weight_bytes_touched > 0);
  EXPECT(esp_transcript_counters(transcriber, 0, &counters) == ESP_OK);
}

static void test_transcriber(esp_model *model, const char *wav) {
  esp_transcriber *transcriber = NULL;
  esp_transcribe_options options;
  esp_audio *audio = NULL;
  struct heard from_file = {"", 0, 0, 0, 0}, from_samples = {"", 0, 0, 0, 0},
               from_reader = {"", 0, 0, 0, 0}, cut = {"", 0, 0, 1, 0};
  struct given given;
  esp_transcript transcript;
  float *samples;
  size_t count;
  EXPECT(esp_transcriber_open(NULL, &transcriber) == ESP_INVALID_ARGUMENT);
  EXPECT(esp_transcriber_open(model, &transcriber) == ESP_OK);
  esp_transcript_init(&transcript);
  EXPECT(esp_get_transcript(transcriber, &transcript) == ESP_INVALID_ARGUMENT);
  EXPECT(transcript.language == NULL);
  EXPECT(esp_transcribe(transcriber, NULL, NULL) == ESP_INVALID_ARGUMENT);
  esp_transcribe_options_init(&options);
  EXPECT(options.beam_size == 1 && options.timestamps == 1);
  options.language = "eng";
  options.on_segment = hear;
  options.on_progress = count_progress;

  EXPECT(esp_audio_open(wav, NULL, &audio) == ESP_OK);
  options.user = &from_file;
  EXPECT(esp_transcribe(transcriber, audio, &options) == ESP_OK);
  EXPECT(from_file.progress > 0 && from_file.words == 0);
  check_transcript(transcriber, &from_file);
  esp_audio_close(audio);

  EXPECT(esp_audio_open(wav, NULL, &audio) == ESP_OK);
  samples = read_all(audio, 4000, &count);
  esp_audio_close(audio);
  EXPECT(esp_audio_open_samples(samples, count, &audio) == ESP_OK);
  options.user = &from_samples;
  options.word_timestamps = 1;
  EXPECT(esp_transcribe(transcriber, audio, &options) == ESP_OK);
  check_transcript(transcriber, &from_samples);
  EXPECT(strcmp(from_samples.text, from_file.text) == 0 && from_samples.words > 0);
  options.word_timestamps = 0;
  esp_audio_close(audio);

  given.samples = samples;
  given.left = (int64_t)count;
  EXPECT(esp_audio_open_reader(give, &given, (int64_t)count, &audio) == ESP_OK);
  options.user = &from_reader;
  options.beam_size = 2;
  options.restrict_vocabulary = 1;
  EXPECT(esp_transcribe(transcriber, audio, &options) == ESP_OK);
  check_transcript(transcriber, &from_reader);
  options.restrict_vocabulary = 0;
  esp_audio_close(audio);

  /* Who hears enough may say so; so may who is asked. */
  EXPECT(esp_audio_open_samples(samples, count, &audio) == ESP_OK);
  options.user = &cut;
  EXPECT(esp_transcribe(transcriber, audio, &options) == ESP_CANCELLED && cut.segments == 1);
  EXPECT(esp_get_transcript(transcriber, &transcript) == ESP_INVALID_ARGUMENT);
  esp_audio_close(audio);
  cut.stop_at = 0;
  options.abort = at_once;
  given.samples = samples;
  given.left = (int64_t)count;
  EXPECT(esp_audio_open_samples(samples, count, &audio) == ESP_OK);
  while (esp_transcribe(transcriber, audio, &options) != ESP_CANCELLED) {
    esp_audio_close(audio);
    EXPECT(esp_audio_open_samples(samples, count, &audio) == ESP_OK);
  }
  esp_audio_close(audio);
  options.abort = NULL;

  options.language = "Klingon";
  EXPECT(esp_audio_open_samples(samples, count, &audio) == ESP_OK);
  EXPECT(esp_transcribe(transcriber, audio, &options) == ESP_UNSUPPORTED);
  options.language = "eng";
  options.duration_ms = -1;
  EXPECT(esp_transcribe(transcriber, audio, &options) == ESP_INVALID_ARGUMENT);
  esp_audio_close(audio);
  free(samples);
  esp_transcriber_close(transcriber);
  esp_transcriber_close(NULL);
}

/* Audio of another rate than the model's is refused. */
static void test_rates(esp_model *model, const char *wav) {
  esp_audio_options options;
  esp_audio *audio = NULL;
  esp_transcriber *transcriber = NULL;
  esp_audio_options_init(&options);
  options.sample_rate = 8000;
  EXPECT(esp_audio_open(wav, &options, &audio) == ESP_OK);
  EXPECT(esp_transcriber_open(model, &transcriber) == ESP_OK);
  EXPECT(esp_transcribe(transcriber, audio, NULL) == ESP_INVALID_ARGUMENT);
  EXPECT(strstr(esp_last_error(), "8000") != NULL);
  esp_transcriber_close(transcriber);
  esp_audio_close(audio);
}

static void check_contexts(const esp_gates *gates) {
  esp_gate_context context;
  esp_gate_table table;
  esp_gate_context_init(&context);
  esp_gate_table_init(&table);
  for (int32_t i = 0; i < esp_gates_context_count(gates); i++) {
    int32_t all = 0, closed = 0;
    EXPECT(esp_gates_context(gates, i, &context) == ESP_OK && context.language[0] != '\0');
    for (int stack = ESP_STACK_ENCODER; stack <= ESP_STACK_DECODER; stack++) {
      EXPECT(esp_gates_table(gates, i, (esp_stack)stack, &table) == ESP_OK);
      EXPECT(esp_gates_module(gates, (esp_stack)stack, 0) != NULL);
      EXPECT(esp_gates_module(gates, (esp_stack)stack, table.module_count) == NULL);
      for (int32_t g = 0; g < table.layer_count * table.module_count; g++) closed += !table.open[g];
      all += table.layer_count * table.module_count;
    }
    EXPECT(all == context.gate_count && closed == context.closed_count);
  }
  EXPECT(esp_gates_context(gates, -1, &context) == ESP_INVALID_ARGUMENT && context.task == NULL);
  EXPECT(esp_gates_table(gates, 0, (esp_stack)2, &table) == ESP_INVALID_ARGUMENT);
}

static void test_gates(const char *folder) {
  static float silence[16000];
  esp_model *model = NULL;
  esp_model_info info;
  esp_gates *gates = (esp_gates *)1;
  esp_gates_options options;
  esp_gate_worth worth;
  esp_gate_times times;
  const char *text = NULL;
  EXPECT(esp_model_open(folder, NULL, &model) == ESP_OK);
  if (model == NULL) return;
  esp_model_info_init(&info);
  EXPECT(esp_model_get_info(model, &info) == ESP_OK && info.gate_count > 0 && info.load_s > 0);
  esp_gates_options_init(&options);
  options.language = "Klingon";
  EXPECT(esp_gates_open(model, silence, 16000, &options, &gates) == ESP_UNSUPPORTED);
  EXPECT(gates == NULL && esp_gates_context_count(gates) == 0);
  options.language = "eng";
  EXPECT(esp_gates_open(model, silence, 16000, &options, &gates) == ESP_OK);
  EXPECT(esp_gates_context_count(gates) == 1);
  check_contexts(gates);
  EXPECT(esp_gates_write(gates, ESP_GATES_SVG, "a title", &text) == ESP_OK);
  EXPECT(strstr(text, "<svg") != NULL && strstr(text, "a title") != NULL);
  EXPECT(esp_gates_write(gates, ESP_GATES_JSON, NULL, &text) == ESP_OK && text[0] == '{');
  EXPECT(esp_gates_write(gates, (esp_gates_format)9, NULL, &text) == ESP_INVALID_ARGUMENT);
  EXPECT(text == NULL);
  esp_gate_worth_init(&worth);
  EXPECT(esp_gates_worth(gates, 0, 16000, &worth) == ESP_OK);
  EXPECT(worth.window_multiply_adds <= worth.all_open_window_multiply_adds);
  EXPECT(worth.step_multiply_adds > 0 && worth.input_s > 0);
  esp_gate_times_init(&times);
  EXPECT(esp_gates_times(gates, 0, 16000, "no/such.json", &times) != ESP_OK);
  EXPECT(esp_gates_save(gates, "contexts.json") == ESP_OK);
  EXPECT(esp_gates_save(gates, "contexts.json") == ESP_OK); /* renewed */
  EXPECT(esp_gates_save(gates, "no/such/folder.json") == ESP_UNWRITABLE);
  esp_gates_close(gates);
  options.all_contexts = 1;
  EXPECT(esp_gates_open(model, silence, 16000, &options, &gates) == ESP_OK);
  EXPECT(esp_gates_context_count(gates) > 1);
  check_contexts(gates);
  EXPECT(esp_gates_write(gates, ESP_GATES_TEXT, NULL, &text) == ESP_OK);
  EXPECT(strstr(text, "alike") != NULL);
  esp_gates_close(gates);
  esp_gates_close(NULL);
  esp_model_close(model);
}

static void test_descriptions(esp_model *model, const char *folder) {
  const char *text = NULL, *again = NULL;
  EXPECT(esp_model_describe(model, &text) == ESP_OK && strstr(text, "\"family\":\"owsm\"") != NULL);
  EXPECT(strstr(text, "\"precision\":\"f32\"") != NULL);
  EXPECT(esp_model_describe(model, &again) == ESP_OK && again == text);
  EXPECT(esp_model_describe(NULL, &text) == ESP_INVALID_ARGUMENT && text == NULL);
  EXPECT(esp_is_gate_pack(folder) == 0 && esp_is_gate_pack(NULL) == 0);
  EXPECT(esp_gate_pack_describe(folder, &text) != ESP_OK && text == NULL);
}

int main(int argc, char **argv) {
  esp_model *model = NULL;
  esp_model_options options;
  if (argc != 4) return 2;
  esp_model_options_init(&options);
  options.beam_size_max = 2;
  test_audio(argv[3], argv[1]);
  EXPECT(esp_model_open(argv[1], &options, &model) == ESP_OK);
  if (model != NULL) {
    test_descriptions(model, argv[1]);
    test_transcriber(model, argv[3]);
    test_rates(model, argv[3]);
    esp_model_close(model);
  }
  test_gates(argv[2]);
  if (failures > 0) fprintf(stderr, "%d failures\n", failures);
  return failures > 0;
}
