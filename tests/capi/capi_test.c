/* The C interface from C: contracts of the header that need no real speech. */
#include <espalier.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define EXPECT(condition)                                               \
  do {                                                                  \
    if (!(condition)) {                                                 \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
      failures++;                                                       \
    }                                                                   \
  } while (0)

static int messages = 0;
static void count_message(esp_log_level level, const char *message, void *user) {
  (void)level;
  (void)user;
  if (message[0] != '\0') messages++;
}

static int always(void *user) {
  ++*(int *)user;
  return 1;
}

static int refuse(double done, void *user) {
  (void)done;
  (void)user;
  return 1;
}

static void test_errors(const char *folder) {
  esp_model *model = (esp_model *)1;
  esp_model_options options;
  EXPECT(esp_model_open("no/such/folder", NULL, &model) == ESP_NOT_FOUND);
  EXPECT(model == NULL);
  EXPECT(strstr(esp_last_error(), "no/such/folder") != NULL);
  EXPECT(esp_model_open(NULL, NULL, &model) == ESP_INVALID_ARGUMENT);
  EXPECT(esp_model_open(folder, NULL, NULL) == ESP_INVALID_ARGUMENT);
  memset(&options, 0, sizeof options);
  EXPECT(esp_model_open(folder, &options, &model) == ESP_INVALID_ARGUMENT);
  esp_model_options_init(&options);
  options.progress = refuse;
  EXPECT(esp_model_open(folder, &options, &model) == ESP_CANCELLED);
  EXPECT(strcmp(esp_status_string(ESP_CORRUPT), "corrupt") == 0);
  EXPECT(strcmp(esp_status_string((esp_status)99), "unknown") == 0);
  EXPECT(messages > 0);
}

static void test_queries(const esp_model *model) {
  esp_device_info device;
  esp_model_info info;
  esp_device_info_init(&device);
  EXPECT(esp_device_count() >= 1);
  EXPECT(esp_device(0, &device) == ESP_OK && device.id[0] != '\0');
  EXPECT(esp_device(99, &device) == ESP_INVALID_ARGUMENT && device.id == NULL);
  esp_model_info_init(&info);
  EXPECT(esp_model_get_info(model, &info) == ESP_OK);
  EXPECT(info.sample_rate == 16000 && strcmp(info.family, "owsm") == 0);
  EXPECT(info.language_count > 0 && info.max_window_ms > 1000);
  EXPECT(esp_model_language(model, 0) != NULL);
  EXPECT(esp_model_language(model, info.language_count) == NULL);
  /* A program built when the struct was shorter. */
  esp_model_info_init(&info);
  info.struct_size = offsetof(esp_model_info, sample_rate);
  info.sample_rate = -7;
  EXPECT(esp_model_get_info(model, &info) == ESP_OK);
  EXPECT(info.sample_rate == -7 && info.family != NULL);
  EXPECT(info.struct_size == offsetof(esp_model_info, sample_rate));
}

/* The samples of a file of 16-bit numbers; *count of them. */
static int16_t *read_samples(const char *path, size_t *count) {
  int16_t *samples;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  samples = malloc(1 << 22);
  *count = samples == NULL ? 0 : fread(samples, sizeof *samples, (1 << 22) / sizeof *samples, file);
  fclose(file);
  return samples;
}

/* Feeds everything in chunks and puts the finals' text into `text`. */
static void decode(esp_session *session, const int16_t *samples, size_t count, size_t chunk,
                   char *text, size_t size) {
  esp_update update;
  size_t at = 0;
  int finished = 0;
  text[0] = '\0';
  esp_update_init(&update);
  while (!finished) {
    const size_t left = count - at;
    const size_t taken = left < chunk ? left : chunk;
    if (taken == 0) {
      EXPECT(esp_finish(session, &update) == ESP_OK);
      finished = 1;
      EXPECT(update.is_final == 1);
    } else {
      EXPECT(esp_feed_i16(session, samples + at, taken, &update) == ESP_OK);
      at += taken;
      EXPECT(update.input_ms == (int64_t)(at / 160) * 10);
    }
    for (int32_t i = 0; i < update.final_count; i++) {
      esp_segment segment;
      esp_segment_init(&segment);
      EXPECT(esp_final(session, i, &segment) == ESP_OK);
      EXPECT(strlen(segment.committed) == segment.committed_size);
      EXPECT(segment.t1_ms >= segment.t0_ms && segment.tentative_size == 0);
      for (int32_t w = 0; w < segment.word_count; w++) {
        esp_word word;
        esp_word_init(&word);
        EXPECT(esp_final_word(session, i, w, &word) == ESP_OK);
        EXPECT(strlen(word.text) == word.size && word.t1_ms >= word.t0_ms);
      }
      strncat(text, segment.committed, size - strlen(text) - 2);
      strcat(text, "|");
    }
  }
}

static void test_stream(esp_session *session, const int16_t *samples, size_t count) {
  char first[4096], second[4096];
  esp_update update;
  esp_update_init(&update);
  decode(session, samples, count, 1600, first, sizeof first);
  EXPECT(strlen(first) > 2);
  EXPECT(esp_feed_i16(session, samples, 160, &update) == ESP_INVALID_ARGUMENT);
  EXPECT(update.input_ms == 0);
  EXPECT(esp_begin(session) == ESP_OK);
  decode(session, samples, count, 777, second, sizeof second);
  EXPECT(strcmp(first, second) == 0);
  EXPECT(esp_reset(session) == ESP_OK);
  EXPECT(esp_feed(session, NULL, 0, &update) == ESP_OK && update.input_ms == 0);
  EXPECT(esp_feed(session, NULL, 5, NULL) == ESP_INVALID_ARGUMENT);
}

static void test_abort(esp_session *session, const int16_t *samples, size_t count) {
  int asked = 0;
  EXPECT(esp_reset(session) == ESP_OK);
  EXPECT(esp_session_abort(session) == ESP_OK);
  EXPECT(esp_feed_i16(session, samples, count, NULL) == ESP_CANCELLED);
  EXPECT(esp_flush(session, NULL) == ESP_OK);
  EXPECT(esp_reset(session) == ESP_OK);
  EXPECT(esp_set_abort(session, always, &asked) == ESP_OK);
  while (asked == 0) (void)esp_feed_i16(session, samples, count, NULL);
  EXPECT(esp_set_abort(session, NULL, NULL) == ESP_OK);
}

static void test_sessions(esp_model *model, const int16_t *samples, size_t count) {
  esp_session *session = NULL;
  esp_session_options options;
  esp_segment segment;
  esp_session_options_init(&options);
  options.language = "Klingon";
  EXPECT(esp_session_open(model, &options, &session) == ESP_UNSUPPORTED && session == NULL);
  options.language = "eng";
  options.end_silence_ms = 7;
  EXPECT(esp_session_open(model, &options, &session) == ESP_INVALID_ARGUMENT);
  esp_session_options_init(&options);
  options.language = "eng";
  EXPECT(esp_session_open(model, &options, &session) == ESP_OK);
  esp_model_close(model); /* the session keeps what it needs */
  esp_segment_init(&segment);
  EXPECT(esp_partial(session, &segment) == ESP_OK && segment.utterance_id == 0);
  EXPECT(esp_final(session, 0, &segment) == ESP_INVALID_ARGUMENT);
  EXPECT(esp_set_context(session, "Klingon", NULL) == ESP_UNSUPPORTED);
  EXPECT(esp_set_context(session, "deu", NULL) == ESP_OK);
  EXPECT(esp_set_backlog(session, -1) == ESP_INVALID_ARGUMENT);
  test_stream(session, samples, count);
  test_abort(session, samples, count);
  esp_session_close(session);
  esp_session_close(NULL);
  esp_model_close(NULL);
}

int main(int argc, char **argv) {
  esp_model *model = NULL;
  size_t count = 0;
  int16_t *samples;
  if (argc != 3) return 2;
  samples = read_samples(argv[2], &count);
  if (samples == NULL || count == 0) return 2;
  esp_set_log(count_message, NULL);
  test_errors(argv[1]);
  EXPECT(esp_model_open(argv[1], NULL, &model) == ESP_OK);
  if (model != NULL) {
    test_queries(model);
    test_sessions(model, samples, count);
  }
  free(samples);
  if (failures > 0) fprintf(stderr, "%d failures\n", failures);
  return failures > 0;
}
