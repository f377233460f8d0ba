/* Words while they are spoken: 16 kHz mono 16-bit samples on standard input, for instance
 *   arecord -q -f S16_LE -r 16000 | ./live MODEL_FOLDER LANGUAGE
 * Final text goes to standard output; what may still change to standard error, tentative text in
 * brackets. */
#include <espalier.h>
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t interrupted = 0;

static void interrupt(int signal_number) {
  (void)signal_number;
  interrupted = 1;
}

/* Ctrl-C gives up a computation that is on its way; what was said so far is kept. */
static int asks_to_stop(void *user) {
  (void)user;
  return interrupted;
}

static void show(const esp_session *session, const esp_update *update) {
  esp_segment segment;
  esp_segment_init(&segment);
  for (int32_t i = 0; i < update->final_count; i++) {
    if (esp_final(session, i, &segment) == ESP_OK && segment.committed_size > 0) {
      printf("%s\n", segment.committed);
      fflush(stdout);
    }
  }
  if (update->partial_changed && esp_partial(session, &segment) == ESP_OK) {
    fprintf(stderr, "%6.2f %s[%s]\n", (double)update->input_ms / 1000, segment.committed,
            segment.tentative);
  }
}

static esp_status listen(esp_session *session) {
  int16_t samples[320];
  size_t count;
  esp_status status = ESP_OK;
  esp_update update;
  esp_update_init(&update);
  while (!interrupted && (count = fread(samples, sizeof samples[0], 320, stdin)) > 0) {
    status = esp_feed_i16(session, samples, count, &update);
    if (status == ESP_CANCELLED) break;
    if (status != ESP_OK) return status;
    show(session, &update);
  }
  /* The last words are decoded whatever ended the loop. */
  esp_set_abort(session, NULL, NULL);
  status = esp_finish(session, &update);
  if (status == ESP_OK) show(session, &update);
  return status;
}

int main(int argc, char **argv) {
  esp_model *model = NULL;
  esp_session *session = NULL;
  esp_session_options options;
  esp_status status;
  if (argc != 3) {
    fprintf(stderr, "usage: %s MODEL_FOLDER LANGUAGE < SAMPLES\n", argv[0]);
    return 2;
  }
  signal(SIGINT, interrupt);
  esp_session_options_init(&options);
  options.language = argv[2];
  status = esp_model_open(argv[1], NULL, &model);
  if (status == ESP_OK) status = esp_session_open(model, &options, &session);
  if (status == ESP_OK) status = esp_set_abort(session, asks_to_stop, NULL);
  if (status == ESP_OK) status = listen(session);
  if (status != ESP_OK) fprintf(stderr, "%s\n", esp_last_error());
  esp_session_close(session);
  esp_model_close(model);
  return status == ESP_OK ? 0 : 1;
}
