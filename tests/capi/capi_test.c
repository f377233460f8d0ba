/* The C interface from C: contracts of the header that need no real speech. */
#define _POSIX_C_SOURCE 200809L /* fileno */
#include <espalier.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

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
  EXPECT(info.device_name[0] != 0 && info.device_detail[0] != 0);
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

/* `first` gets what was said. */
static void test_stream(esp_session *session, const int16_t *samples, size_t count, char *first) {
  char second[4096];
  esp_update update;
  esp_update_init(&update);
  decode(session, samples, count, 1600, first, sizeof second);
  EXPECT(strlen(first) > 2);
  EXPECT(esp_feed_i16(session, samples, 160, &update) == ESP_INVALID_ARGUMENT);
  EXPECT(update.input_ms == 0);
  EXPECT(esp_begin(session) == ESP_OK);
  decode(session, samples, count, 777, second, sizeof second);
  EXPECT(strcmp(first, second) == 0);
  EXPECT(esp_reset(session) == ESP_OK);
  EXPECT(esp_feed(session, NULL, 0, &update) == ESP_OK && update.input_ms == 0);
  EXPECT(esp_feed(session, NULL, 5, NULL) == ESP_INVALID_ARGUMENT);
  const float no_number[2] = {0.0f, 1e30f};
  EXPECT(esp_feed(session, no_number, 2, NULL) == ESP_INVALID_ARGUMENT);
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

/* The whole of `folder`/`name`; *size of it. */
static char *read_whole(const char *folder, const char *name, long *size) {
  char path[4096];
  char *bytes;
  FILE *file;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  file = fopen(path, "rb");
  if (file == NULL) return NULL;
  fseek(file, 0, SEEK_END);
  *size = ftell(file);
  rewind(file);
  bytes = malloc((size_t)*size);
  if (bytes != NULL) *size = (long)fread(bytes, 1, (size_t)*size, file);
  fclose(file);
  return bytes;
}

static int64_t read_from_file(void *user, int64_t offset, void *into, int64_t size) {
  if (fseek(user, (long)offset, SEEK_SET) != 0) return -1;
  return (int64_t)fread(into, 1, (size_t)size, user);
}

/* A model whose files come from memory, from a descriptor (behind some other bytes) and from a
 * reader says what the one of the folder says. */
static void test_files(const char *folder, const int16_t *samples, size_t count,
                       const char *expected) {
  const char *const names[] = {"config.json", "model.safetensors", "bpe.model"};
  esp_model_file files[3];
  char *bytes[3];
  long sizes[3];
  char text[4096], path[4096];
  esp_model *model = NULL;
  esp_session *session = NULL;
  esp_session_options options;
  FILE *packed = tmpfile(), *tokenizer;
  int i;
  for (i = 0; i < 3; i++) {
    bytes[i] = read_whole(folder, names[i], &sizes[i]);
    esp_model_file_init(&files[i]);
    EXPECT(bytes[i] != NULL && files[i].fd == -1);
    files[i].name = names[i];
    files[i].size = sizes[i];
  }
  snprintf(path, sizeof path, "%s/%s", folder, names[2]);
  tokenizer = fopen(path, "rb");
  EXPECT(packed != NULL && tokenizer != NULL);
  if (packed == NULL || tokenizer == NULL) return;
  fwrite("other bytes", 1, 11, packed);
  fwrite(bytes[1], 1, (size_t)sizes[1], packed);
  fwrite("more", 1, 4, packed);
  fflush(packed);
  files[0].data = bytes[0];
  files[1].fd = fileno(packed);
  files[1].offset = 11;
  files[2].read = read_from_file;
  files[2].user = tokenizer;
  EXPECT(esp_model_open_files("given", files, 3, NULL, &model) == ESP_OK);
  fclose(packed);
  fclose(tokenizer);
  if (model != NULL) {
    esp_model_info info;
    esp_model_info_init(&info);
    EXPECT(esp_model_get_info(model, &info) == ESP_OK && strcmp(info.name, "given") == 0);
    esp_session_options_init(&options);
    options.language = "deu";
    EXPECT(esp_session_open(model, &options, &session) == ESP_OK);
    esp_model_close(model);
    decode(session, samples, count, 1600, text, sizeof text);
    EXPECT(strcmp(text, expected) == 0);
    esp_session_close(session);
  }
  EXPECT(esp_model_open_files("given", files, 1, NULL, &model) == ESP_NOT_FOUND && model == NULL);
  EXPECT(strstr(esp_last_error(), "given") != NULL);
  files[0].fd = 0;
  EXPECT(esp_model_open_files("given", files, 1, NULL, &model) == ESP_INVALID_ARGUMENT);
  EXPECT(esp_model_open_files("given", NULL, 1, NULL, &model) == ESP_INVALID_ARGUMENT);
  EXPECT(esp_model_open_files(NULL, files, 1, NULL, &model) == ESP_INVALID_ARGUMENT);
  esp_model_file_init(&files[0]);
  files[0].name = "config.json";
  files[0].fd = 99;
  EXPECT(esp_model_open_files("given", files, 1, NULL, &model) == ESP_NOT_FOUND);
  for (i = 0; i < 3; i++) free(bytes[i]);
}

/* Events tell what finals and the partial tell, in order. */
static void test_events(esp_session *session, const int16_t *samples, size_t count) {
  esp_session_stats stats;
  esp_event event;
  esp_word word;
  int32_t counts[7] = {0};
  size_t at;
  int finished = 0;
  int64_t input_ms = 0;
  esp_event_init(&event);
  esp_word_init(&word);
  EXPECT(esp_reset(session) == ESP_OK && esp_event_count(session) == 0);
  EXPECT(esp_warm_up(session) == ESP_OK && esp_look_at_gates(session) == ESP_OK);
  for (at = 0; !finished; at += 1600) {
    const size_t left = at < count ? count - at : 0;
    if (left == 0) {
      EXPECT(esp_finish(session, NULL) == ESP_OK);
      finished = 1;
    } else {
      EXPECT(esp_feed_i16(session, samples + at, left < 1600 ? left : 1600, NULL) == ESP_OK);
    }
    for (int32_t i = 0; i < esp_event_count(session); i++) {
      EXPECT(esp_event_at(session, i, &event) == ESP_OK);
      EXPECT(event.input_ms >= input_ms);
      input_ms = event.input_ms;
      counts[event.type]++;
      EXPECT(esp_event_word(session, i, event.word_count, &word) == ESP_INVALID_ARGUMENT);
      if (event.word_count > 0) EXPECT(esp_event_word(session, i, 0, &word) == ESP_OK);
      if (event.type == ESP_EVENT_FINAL) EXPECT(event.committed_size == strlen(event.committed));
    }
  }
  EXPECT(counts[ESP_EVENT_SPEECH_START] == 2 && counts[ESP_EVENT_FINAL] == 2);
  EXPECT(counts[ESP_EVENT_PARTIAL] >= 1 && counts[ESP_EVENT_END] == 1);
  EXPECT(event.type == ESP_EVENT_END && event.status == ESP_OK && event.message[0] == 0);
  EXPECT(esp_event_at(session, 1000, &event) == ESP_INVALID_ARGUMENT && event.committed == NULL);
  EXPECT(esp_event_at(session, -1, &event) == ESP_INVALID_ARGUMENT);
  EXPECT(esp_event_count(NULL) == 0);
  esp_session_stats_init(&stats);
  EXPECT(esp_session_get_stats(session, &stats) == ESP_OK);
  EXPECT(stats.update_count > 0 && stats.token_count > 0 && stats.encoder_s > 0);
  EXPECT(stats.input_ms == input_ms);
  EXPECT(esp_session_get_stats(NULL, &stats) == ESP_INVALID_ARGUMENT && stats.update_count == 0);
}

static void test_sessions(const char *folder, esp_model *model, const int16_t *samples,
                          size_t count) {
  char said[4096];
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
  test_stream(session, samples, count, said);
  test_events(session, samples, count);
  test_files(folder, samples, count, said);
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
    test_sessions(argv[1], model, samples, count);
  }
  free(samples);
  if (failures > 0) fprintf(stderr, "%d failures\n", failures);
  return failures > 0;
}
