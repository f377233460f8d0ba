/* Transcribes a WAV file of 16 kHz, mono, 16 bits: each utterance with its times, as it gets final.
 *   cc file.c $(pkg-config --cflags --libs espalier) && ./a.out MODEL_FOLDER LANGUAGE FILE.wav */
#include <espalier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Moves `file` to its samples. Returns 0 when it is no such WAV file. */
static int find_samples(FILE *file) {
  unsigned char head[12], chunk[8], format[16];
  if (fread(head, 1, 12, file) != 12 || memcmp(head, "RIFF", 4) != 0) return 0;
  if (memcmp(head + 8, "WAVE", 4) != 0) return 0;
  while (fread(chunk, 1, 8, file) == 8) {
    const unsigned long size = chunk[4] | chunk[5] << 8 | chunk[6] << 16 | (unsigned long)chunk[7] << 24;
    if (memcmp(chunk, "data", 4) == 0) return 1;
    if (memcmp(chunk, "fmt ", 4) == 0) {
      if (size < 16 || fread(format, 1, 16, file) != 16) return 0;
      if (format[2] != 1 || (format[4] | format[5] << 8) != 16000 || format[14] != 16) return 0;
      if (fseek(file, (long)(size - 16 + (size & 1)), SEEK_CUR) != 0) return 0;
    } else if (fseek(file, (long)(size + (size & 1)), SEEK_CUR) != 0) {
      return 0;
    }
  }
  return 0;
}

static void print_finals(const esp_session *session, const esp_update *update) {
  for (int32_t i = 0; i < update->final_count; i++) {
    esp_segment segment;
    esp_segment_init(&segment);
    if (esp_final(session, i, &segment) != ESP_OK) continue;
    printf("[%7.2f %7.2f] %s\n", (double)segment.t0_ms / 1000, (double)segment.t1_ms / 1000,
           segment.committed);
  }
}

static int transcribe(esp_session *session, FILE *file) {
  int16_t samples[1600];
  size_t count;
  esp_update update;
  esp_update_init(&update);
  while ((count = fread(samples, sizeof samples[0], 1600, file)) > 0) {
    if (esp_feed_i16(session, samples, count, &update) != ESP_OK) return 0;
    print_finals(session, &update);
  }
  if (esp_finish(session, &update) != ESP_OK) return 0;
  print_finals(session, &update);
  return 1;
}

int main(int argc, char **argv) {
  esp_model *model = NULL;
  esp_session *session = NULL;
  esp_session_options options;
  FILE *file;
  int done = 0;
  if (argc != 4) {
    fprintf(stderr, "usage: %s MODEL_FOLDER LANGUAGE FILE.wav\n", argv[0]);
    return 2;
  }
  file = fopen(argv[3], "rb");
  if (file == NULL || !find_samples(file)) {
    fprintf(stderr, "%s: not a WAV file of 16 kHz, mono, 16 bits\n", argv[3]);
    if (file != NULL) fclose(file);
    return 2;
  }
  esp_session_options_init(&options);
  options.language = argv[2];
  if (esp_model_open(argv[1], NULL, &model) == ESP_OK &&
      esp_session_open(model, &options, &session) == ESP_OK) {
    done = transcribe(session, file);
  }
  if (!done) fprintf(stderr, "%s\n", esp_last_error());
  esp_session_close(session);
  esp_model_close(model);
  fclose(file);
  return done ? 0 : 1;
}
