/* Transcribes recordings of any common format, each segment with its times, as it gets final.
 *   cc transcribe.c $(pkg-config --cflags --libs espalier) && ./a.out MODEL_FOLDER LANGUAGE FILE... */
#include <espalier.h>
#include <stdio.h>

static int print_segment(const esp_transcript_segment *segment, void *user) {
  (void)user;
  printf("[%7.2f %7.2f] %s\n", (double)segment->t0_ms / 1000, (double)segment->t1_ms / 1000,
         segment->text);
  return ferror(stdout); /* nobody reads any more: give it up */
}

static esp_status transcribe(esp_transcriber *transcriber, const char *path,
                             const esp_transcribe_options *options) {
  esp_audio *audio = NULL;
  esp_timings timings;
  esp_transcript transcript;
  esp_status status = esp_audio_open(path, NULL, &audio);
  if (status == ESP_OK) status = esp_transcribe(transcriber, audio, options);
  esp_audio_close(audio);
  if (status != ESP_OK) return status;
  esp_timings_init(&timings);
  esp_transcript_init(&transcript);
  status = esp_transcript_timings(transcriber, &timings);
  if (status == ESP_OK) status = esp_get_transcript(transcriber, &transcript);
  if (status != ESP_OK) return status;
  fprintf(stderr, "%s: %s, %.1f s of sound in %.1f s\n", path, transcript.language,
          (double)transcript.duration_ms / 1000, timings.total_s);
  return ESP_OK;
}

int main(int argc, char **argv) {
  esp_model *model = NULL;
  esp_transcriber *transcriber = NULL;
  esp_transcribe_options options;
  esp_status status;
  if (argc < 4) {
    fprintf(stderr, "usage: %s MODEL_FOLDER LANGUAGE FILE...\n", argv[0]);
    return 2;
  }
  esp_transcribe_options_init(&options);
  options.language = argv[2];
  options.on_segment = print_segment;
  status = esp_model_open(argv[1], NULL, &model);
  if (status == ESP_OK) status = esp_transcriber_open(model, &transcriber);
  for (int i = 3; i < argc && status == ESP_OK; i++) {
    status = transcribe(transcriber, argv[i], &options);
  }
  if (status != ESP_OK) fprintf(stderr, "%s\n", esp_last_error());
  esp_transcriber_close(transcriber);
  esp_model_close(model);
  return status == ESP_OK ? 0 : 1;
}
