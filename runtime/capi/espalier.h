/* Espalier's C interface: speech recognition for any program, live and of whole recordings.
 *
 * Live:
 *
 *   esp_model *model;
 *   esp_session *session;
 *   esp_model_open("whisper-base", NULL, &model);
 *   esp_session_open(model, NULL, &session);
 *   while (more audio) {
 *     esp_update update;
 *     esp_update_init(&update);
 *     esp_feed(session, samples, count, &update);      // 16 kHz mono float
 *     for (i = 0; i < update.final_count; i++) ...     // esp_final: what will not change any more
 *     if (update.partial_changed) ...                  // esp_partial: what is being said
 *   }
 *   esp_finish(session, &update);
 *
 * Whole recordings:
 *
 *   esp_audio_open("talk.mp3", NULL, &audio);
 *   esp_transcriber_open(model, &transcriber);
 *   esp_transcribe(transcriber, audio, NULL);
 *   for (i = 0; esp_transcript_segment_at(transcriber, i, &segment) == ESP_OK; i++) ...
 *
 * Goals: nothing of C++ crosses this line; two sessions of one model may compute at once; memory
 * does not grow with the audio. Non-goals: microphones, the network (the library has none).
 *
 * Status. Every call that can fail returns an esp_status; esp_last_error() says in one line what
 * was wrong and what to do. On an error every out-parameter is null or zero. Null handles and null
 * required pointers are ESP_INVALID_ARGUMENT.
 * Threads. A model may be used by any number of threads. A session, like every other handle, is
 * used by one thread at a time; esp_session_abort is the exception.
 * Ownership. The library frees what it gives. Texts, segments, words and events belong to their
 * session or transcriber and are valid until the next call on it that computes, esp_begin or its
 * close. Every open has a close, which takes null too.
 * Text is UTF-8, always valid, ends with a zero byte that its size does not count.
 * Times are milliseconds of the session's own audio: sample count / 16.
 * Growth. Structs begin with struct_size, which the _init function sets: a program built with an
 * older header works with a newer library. Enums grow at their end only. */
#ifndef ESPALIER_H_
#define ESPALIER_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ESP_API __attribute__((visibility("default")))
#else
#define ESP_API
#endif

/* ---- Status ---- */

typedef enum esp_status {
  ESP_OK = 0,
  ESP_INVALID_ARGUMENT = 1, /* a bad option, sample rate or call */
  ESP_NOT_FOUND = 2,        /* the model or one of its files is missing */
  ESP_CORRUPT = 3,          /* a file is there and fails its checks */
  ESP_UNSUPPORTED = 4,      /* not built in, or not in this model */
  ESP_EXHAUSTED = 5,        /* out of memory, too long, or a limit was reached */
  ESP_DEVICE_LOST = 6,      /* the device went away */
  ESP_CANCELLED = 7,        /* esp_session_abort; the session stays usable and kept its audio */
  ESP_UNWRITABLE = 8,       /* output could not be written */
  ESP_INTERNAL = 9          /* the library's own mistake */
} esp_status;

/* "ok", "invalid_argument", ...; "unknown" for a number that is none. Never null. */
ESP_API const char *esp_status_string(esp_status status);

/* What the last failed call of this thread said; "" when there was none. Valid until the next call
 * of this thread. */
ESP_API const char *esp_last_error(void);

/* "0.1.0", of the library. */
ESP_API const char *esp_version_string(void);

/* ---- Messages and progress ---- */

typedef enum esp_log_level {
  ESP_LOG_ERROR = 0,
  ESP_LOG_WARNING = 1,
  ESP_LOG_INFO = 2
} esp_log_level;

/* `message` is valid during the call. May be called from any thread that uses the library. */
typedef void (*esp_log_fn)(esp_log_level level, const char *message, void *user);
/* From 0 to 1; a return value other than 0 gives the work up (ESP_CANCELLED). */
typedef int (*esp_progress_fn)(double done, void *user);
/* Asked about every 10 ms by a thread of the library's own while a call computes; a return value
 * other than 0 gives the call up (ESP_CANCELLED). */
typedef int (*esp_abort_fn)(void *user);

/* Where messages of the whole library go; null (the default): nowhere. Not while another thread is
 * inside the library. */
ESP_API void esp_set_log(esp_log_fn log, void *user);

/* ---- Devices ---- */

typedef struct esp_device_info {
  size_t struct_size;
  const char *id;     /* as esp_model_options takes it; valid for ever, as are the others */
  const char *kind;   /* "cpu", "gpu", "igpu", "software" (a GPU interface computed on the CPU) */
  const char *name;   /* as the device calls itself */
  const char *detail; /* instruction set, driver */
  int64_t memory_bytes;
  const char *uuid;    /* of a GPU, the same when others come or go; else "" */
  const char *refusal; /* why it cannot be used; "": it can */
} esp_device_info;

ESP_API void esp_device_info_init(esp_device_info *info);
ESP_API int32_t esp_device_count(void);
ESP_API esp_status esp_device(int32_t index, esp_device_info *out);

/* ---- Models ---- */

typedef struct esp_model esp_model;

typedef struct esp_model_options {
  size_t struct_size;
  const char *device; /* an id of esp_device, or "auto"; null: "auto" */
  int32_t threads;    /* 0: one per processor */
  /* "auto" (the model's predictor), "all", "pack", "budget=0.3", a gate pack's folder or a gate
   * file, with commas between; null: "auto" */
  const char *gates;
  esp_progress_fn progress; /* may be null */
  void *progress_user;
  /* The most hypotheses a transcriber may keep (esp_transcribe_options), which a decoder state has
   * room for; 0: 1. With ESP_FALLBACK_SAMPLES Whisper's fallback draws as many as openai's. */
  int32_t beam_size_max;
} esp_model_options;

enum { ESP_FALLBACK_SAMPLES = 5 };

ESP_API void esp_model_options_init(esp_model_options *options);

/* The model in `folder` (README of the project: model folders). options may be null. */
ESP_API esp_status esp_model_open(const char *folder, const esp_model_options *options,
                                  esp_model **out);

/* One file of a model that does not lie in a folder. Exactly one of data, fd and read says where
 * its bytes are. */
typedef struct esp_model_file {
  size_t struct_size;
  const char *name; /* as in a model folder: "config.json", "model.safetensors", ... */
  const void *data; /* memory that stays as it is until the model and its sessions are closed */
  int64_t size;     /* of data or of what read gives; with fd 0: to the file's end */
  int32_t fd;       /* an open file, mapped; may be closed after the call; -1: none */
  int64_t offset;   /* of the file's first byte in fd */
  /* Writes `size` bytes from `offset` on to `into`; returns how many, fewer for a failure. Called
   * during the call only, on its thread. */
  int64_t (*read)(void *user, int64_t offset, void *into, int64_t size);
  void *user;
} esp_model_file;

/* Sets fd to -1 and everything else to nothing. */
ESP_API void esp_model_file_init(esp_model_file *file);

/* The model whose files these are; `name` is what esp_model_info calls it. Each file has the
 * struct_size of the first. options may be null; gate packs and gate files in it are paths. */
ESP_API esp_status esp_model_open_files(const char *name, const esp_model_file *files,
                                        int32_t count, const esp_model_options *options,
                                        esp_model **out);

/* Sessions keep what they need of their model: it may be closed before them. Null is allowed. */
ESP_API void esp_model_close(esp_model *model);

typedef struct esp_model_info {
  size_t struct_size;
  const char *name;    /* valid until the model is closed, as are the others */
  const char *family;  /* "whisper", "owsm" */
  const char *device;  /* the device's id */
  int32_t sample_rate; /* of esp_feed, in Hz */
  int32_t
      max_window_ms; /* longest stretch of audio that is decoded at once; streams may be longer */
  int32_t language_count; /* 0: English only */
  int32_t gate_count;     /* modules that a context may close; 0: none */
  int32_t translates;     /* 1: "translate" is a task */
  int64_t parameter_count;
  const char *device_name;   /* as the device calls itself */
  const char *device_detail; /* instruction set, threads, driver */
  double load_s;             /* seconds that opening took */
} esp_model_info;

ESP_API void esp_model_info_init(esp_model_info *info);
ESP_API esp_status esp_model_get_info(const esp_model *model, esp_model_info *out);
/* The language at `index`, as esp_session_options takes it; null when there is none. Valid until
 * the model is closed. */
ESP_API const char *esp_model_language(const esp_model *model, int32_t index);

/* The model in one line of JSON, for people and logs: sizes, precision, languages, tasks, gates,
 * gate pack, fingerprint (docs/cli.md, `models info`). Valid until the model is closed. Reads the
 * heads of the weight files again: errors as those of opening. */
ESP_API esp_status esp_model_describe(esp_model *model, const char **out);
/* 1: `folder` is a gate pack. */
ESP_API int32_t esp_is_gate_pack(const char *folder);
/* The same for a gate pack by itself. Valid until the next call of this thread. */
ESP_API esp_status esp_gate_pack_describe(const char *folder, const char **out);

/* ---- Audio ---- */

/* A recording as mono samples at one rate, read once from its start to its end: WAV, FLAC, MP3,
 * Ogg, Opus and others; through an `ffmpeg` on the PATH, where there is one, also M4A, MP4, WebM,
 * ... */
typedef struct esp_audio esp_audio;

typedef struct esp_audio_options {
  size_t struct_size;
  int32_t sample_rate;     /* of the samples given, in Hz; 16000 is what models take */
  int32_t raw_sample_rate; /* of headerless 16-bit samples from a pipe, in Hz */
  int32_t raw_channels;    /* of the same, interleaved */
} esp_audio_options;

/* 16000, 16000, 1. */
ESP_API void esp_audio_options_init(esp_audio_options *options);

/* `path`: a file, a named pipe, or "-" for standard input. options may be null. */
ESP_API esp_status esp_audio_open(const char *path, const esp_audio_options *options,
                                  esp_audio **out);
/* The caller's own samples, full scale -1 to 1, at the rate of whoever reads them. They stay as
 * they are until the close. */
ESP_API esp_status esp_audio_open_samples(const float *samples, size_t count, esp_audio **out);
/* The same, asked for as they are needed: read() writes up to `count` samples to `into` and returns
 * how many, 0 at the end, less for a failure. total_samples: for progress; -1: unknown. */
typedef int64_t (*esp_audio_read_fn)(void *user, float *into, int64_t count);
ESP_API esp_status esp_audio_open_reader(esp_audio_read_fn read, void *user, int64_t total_samples,
                                         esp_audio **out);
ESP_API void esp_audio_close(esp_audio *audio);

/* Writes up to `count` samples to `into` and how many to *read: 0 only at the end. */
ESP_API esp_status esp_audio_read(esp_audio *audio, float *into, size_t count, size_t *read);
/* As the file states it, for progress; -1: it does not. */
ESP_API int64_t esp_audio_total_samples(const esp_audio *audio);

/* Samples of one rate as samples of another, as a stream: for microphones that do not have the
 * model's rate. Band-limited, without delay. */
typedef struct esp_resampler esp_resampler;

ESP_API esp_status esp_resampler_open(int32_t from_rate, int32_t to_rate, esp_resampler **out);
ESP_API void esp_resampler_close(esp_resampler *resampler);
/* Takes and gives as much as fits: *taken samples of `in`, *given samples in `out`. */
ESP_API esp_status esp_resample(esp_resampler *resampler, const float *in, size_t in_count,
                                size_t *taken, float *out, size_t out_count, size_t *given);

/* ---- Words ---- */

/* Of a recording's segment or of a live session's text. */
typedef struct esp_word {
  size_t struct_size;
  const char *text; /* with the punctuation behind it */
  size_t size;
  int64_t t0_ms;
  int64_t t1_ms;
  double probability;
} esp_word;

ESP_API void esp_word_init(esp_word *word);

/* ---- Whole recordings ---- */

/* How decoding ended, of an utterance or of the window that a segment is from. */
typedef enum esp_outcome {
  ESP_OUTCOME_COMPLETE = 0,
  ESP_OUTCOME_TRUNCATED = 1,  /* a length limit was reached */
  ESP_OUTCOME_REPETITION = 2, /* a loop was cut off */
  ESP_OUTCOME_NO_SPEECH = 3,  /* nothing was said */
  ESP_OUTCOME_EMPTY = 4
} esp_outcome;

/* "complete", "truncated", ...; "unknown" for a number that is none. Never null. */
ESP_API const char *esp_outcome_string(esp_outcome outcome);

/* Decodes recordings one after another. Several may share a model and compute at once. */
typedef struct esp_transcriber esp_transcriber;

typedef struct esp_transcript_segment {
  size_t struct_size;
  int64_t t0_ms; /* from the start of the recording */
  int64_t t1_ms;
  int64_t window_t0_ms; /* start of the stretch that was decoded at once */
  const char *text;     /* a blank may begin it where words are written apart */
  size_t text_size;
  const int32_t *tokens; /* of the model's vocabulary, with time tokens where it gave them */
  size_t token_count;
  const char *language; /* "en" */
  esp_outcome outcome;  /* of its window, as are the following */
  double temperature;
  double avg_log_prob;
  double compression_ratio;
  double no_speech_prob;
  int32_t word_count; /* 0 unless word_timestamps were asked for */
  const void *words;  /* the library's own: esp_transcript_word reads it */
} esp_transcript_segment;

ESP_API void esp_transcript_segment_init(esp_transcript_segment *segment);
/* A word of a segment that is still valid; its text is as long. */
ESP_API esp_status esp_transcript_word(const esp_transcript_segment *segment, int32_t word,
                                       esp_word *out);

/* A segment as soon as it is final; valid during the call. A return value other than 0 gives the
 * recording up (ESP_CANCELLED). */
typedef int (*esp_segment_fn)(const esp_transcript_segment *segment, void *user);
/* Seconds decoded, and of the whole (0: unknown). The return value likewise. */
typedef int (*esp_seconds_fn)(double done_s, double total_s, void *user);

typedef struct esp_transcribe_options {
  size_t struct_size;
  const char *language;       /* "auto", "en", "eng", "English"; null: "auto" */
  const char *task;           /* "transcribe", "translate", "st:deu"; null: "transcribe" */
  const char *initial_prompt; /* names and style that precede the recording; null: none */
  int32_t carry_prompt;       /* 1: the text of a window precedes the next one */
  int32_t timestamps;         /* 0: one segment a window, without time tokens */
  int32_t beam_size;          /* hypotheses; 1: greedy; at most the model's beam_size_max */
  int32_t normalize_length;   /* 1: ranked by score per token (OWSM) */
  int32_t repetition_guard;   /* 0: loops are kept, as ESPnet keeps them (OWSM) */
  double ctc_weight;          /* share of CTC in the score; needs timestamps 0 (OWSM) */
  double length_penalty;      /* per token (OWSM) */
  double maxlen_ratio; /* longest output per encoder step; -n: n tokens; 0: no limit (OWSM) */
  double minlen_ratio; /* shortest likewise (OWSM) */
  double end_time_threshold_s; /* a last time beyond it ends the window (OWSM) */
  const double *temperatures;  /* tried in turn until a window passes its checks (Whisper); null:
                                  0, 0.2, ... 1 */
  int32_t temperature_count;
  double compression_ratio_threshold; /* the checks, as openai's (Whisper) */
  double log_prob_threshold;
  double no_speech_threshold;
  int64_t offset_ms;         /* where in the recording to start */
  int64_t duration_ms;       /* how much of it to decode; 0: to its end */
  esp_segment_fn on_segment; /* these may be null; called on the thread of esp_transcribe */
  esp_seconds_fn on_progress;
  esp_abort_fn abort;          /* as it says, on a thread of the library's own */
  void *user;                  /* of all three */
  int32_t word_timestamps;     /* 1: segments have words; one more run of the decoder a window */
  int32_t restrict_vocabulary; /* 1: tokens that the scripts of the text's language cannot hold are
                                  not scored, once the language is known */
} esp_transcribe_options;

/* Sets every field to its default. */
ESP_API void esp_transcribe_options_init(esp_transcribe_options *options);

ESP_API esp_status esp_transcriber_open(esp_model *model, esp_transcriber **out);
ESP_API void esp_transcriber_close(esp_transcriber *transcriber);

/* Decodes what is left of `audio`, which has the model's sample rate. options may be null. Segments
 * that on_segment was given stay as they are whatever the call returns. */
ESP_API esp_status esp_transcribe(esp_transcriber *transcriber, esp_audio *audio,
                                  const esp_transcribe_options *options);

/* What the last esp_transcribe of a transcriber gave; nothing where it failed. */
typedef struct esp_transcript {
  size_t struct_size;
  const char *language; /* of the first window: "en" */
  const char *task;     /* "transcribe", "translate" */
  int64_t duration_ms;
  int32_t segment_count;
  int32_t warning_count;
} esp_transcript;

ESP_API void esp_transcript_init(esp_transcript *transcript);
ESP_API esp_status esp_get_transcript(const esp_transcriber *transcriber, esp_transcript *out);
ESP_API esp_status esp_transcript_segment_at(const esp_transcriber *transcriber, int32_t index,
                                             esp_transcript_segment *out);
/* One line each: audio that is not whole, output that was truncated, ...; null: no such. */
ESP_API const char *esp_transcript_warning(const esp_transcriber *transcriber, int32_t index);

/* Where the time of a recording went, in seconds of wall time, and what was done. */
typedef struct esp_timings {
  size_t struct_size;
  double load_s; /* of the model, once */
  double features_s;
  double gates_s;
  double plan_s;
  double encoder_s;
  double decoder_s;
  double search_s;
  double total_s;
  int64_t window_count;
  int64_t token_count;           /* decoder steps */
  int64_t encoder_steps;         /* of all windows */
  int64_t encoder_multiply_adds; /* of all windows */
  int64_t decoder_multiply_adds; /* of all decoder steps */
  int64_t weight_bytes_touched;  /* each weight once */
  int32_t gate_count;
  int32_t closed_gate_count;
} esp_timings;

ESP_API void esp_timings_init(esp_timings *timings);
ESP_API esp_status esp_transcript_timings(const esp_transcriber *transcriber, esp_timings *out);

/* What the device did for it, others' work at the same time included; zero where it does not
 * count. */
typedef struct esp_device_counters {
  size_t struct_size;
  int64_t dispatches; /* kernels run */
  int64_t barriers;
  int64_t submits;
  int64_t command_buffers;   /* recorded */
  int64_t descriptor_writes; /* descriptor sets written */
  int64_t written_bytes;     /* host to device */
  int64_t read_bytes;        /* device to host */
  int64_t memory_bytes;      /* in use */
  int64_t reserved_bytes;    /* taken from the driver for that */
} esp_device_counters;

ESP_API void esp_device_counters_init(esp_device_counters *counters);
/* steps_only: 1: the decoder steps' part alone. */
ESP_API esp_status esp_transcript_counters(const esp_transcriber *transcriber, int32_t steps_only,
                                           esp_device_counters *out);

/* ---- Gates ---- */

/* Which modules of a model run for which context, as its predictor or the model options have it. */
typedef struct esp_gates esp_gates;

typedef struct esp_gates_options {
  size_t struct_size;
  const char *language; /* null: "en" */
  const char *task;     /* null: "transcribe" */
  int32_t all_contexts; /* 1: every language and task of the predictor instead */
  esp_abort_fn abort;   /* may be null */
  void *abort_user;
} esp_gates_options;

ESP_API void esp_gates_options_init(esp_gates_options *options);

/* Looks at the gates for the start of a recording, at most the model's window: `samples` at its
 * rate. options may be null. */
ESP_API esp_status esp_gates_open(esp_model *model, const float *samples, size_t count,
                                  const esp_gates_options *options, esp_gates **out);
ESP_API void esp_gates_close(esp_gates *gates);

typedef struct esp_gate_context {
  size_t struct_size;
  const char *language; /* "en"; as are the others, valid until the close */
  const char *task;     /* "transcribe", "translate", "st_deu" */
  int32_t gate_count;
  int32_t closed_count;
} esp_gate_context;

ESP_API void esp_gate_context_init(esp_gate_context *context);
ESP_API int32_t esp_gates_context_count(const esp_gates *gates);
ESP_API esp_status esp_gates_context(const esp_gates *gates, int32_t context,
                                     esp_gate_context *out);

typedef enum esp_stack { ESP_STACK_ENCODER = 0, ESP_STACK_DECODER = 1 } esp_stack;

/* The gates of one context and stack. */
typedef struct esp_gate_table {
  size_t struct_size;
  int32_t layer_count;
  int32_t module_count;
  const uint8_t *open; /* module_count a layer, layer by layer; 1: runs */
} esp_gate_table;

ESP_API void esp_gate_table_init(esp_gate_table *table);
ESP_API esp_status esp_gates_table(const esp_gates *gates, int32_t context, esp_stack stack,
                                   esp_gate_table *out);
/* "self_attn", ...; null: no such. */
ESP_API const char *esp_gates_module(const esp_gates *gates, esp_stack stack, int32_t module);

typedef enum esp_gates_format {
  ESP_GATES_TEXT = 0, /* lines for a terminal */
  ESP_GATES_JSON =
      1,            /* what esp_model_options.gates reads back as a file, where it is one context */
  ESP_GATES_SVG = 2 /* a picture */
} esp_gates_format;

/* The gates as a document; of all contexts side by side, with how far they agree. title: of the
 * picture; may be null. Valid until the next call on the gates. */
ESP_API esp_status esp_gates_write(esp_gates *gates, esp_gates_format format, const char *title,
                                   const char **out);
/* Adds the contexts to a gate file of contexts, or renews them there; what it holds of others
 * stays. */
ESP_API esp_status esp_gates_save(const esp_gates *gates, const char *path);

/* What the gates of a context are worth for a stretch of audio. */
typedef struct esp_gate_worth {
  size_t struct_size;
  double input_s;                        /* of the window, padding included */
  int64_t window_multiply_adds;          /* once per window */
  int64_t step_multiply_adds;            /* a decoder step */
  int64_t weight_bytes;                  /* touched, each once */
  int64_t all_open_window_multiply_adds; /* the same with every gate open */
  int64_t all_open_step_multiply_adds;
  int64_t all_open_weight_bytes;
} esp_gate_worth;

ESP_API void esp_gate_worth_init(esp_gate_worth *worth);
/* sample_count: of the audio; the model's window at most. */
ESP_API esp_status esp_gates_worth(const esp_gates *gates, int32_t context, int64_t sample_count,
                                   esp_gate_worth *out);

/* The same in time, as a cost table of this machine has it (`espalier profile --out FILE`). */
typedef struct esp_gate_times {
  size_t struct_size;
  double window_s;
  double step_s;
  double all_open_window_s;
  double all_open_step_s;
} esp_gate_times;

ESP_API void esp_gate_times_init(esp_gate_times *times);
ESP_API esp_status esp_gates_times(const esp_gates *gates, int32_t context, int64_t sample_count,
                                   const char *cost_table, esp_gate_times *out);

/* ---- Sessions ---- */

typedef struct esp_session esp_session;

typedef enum esp_policy { ESP_POLICY_ALIGN_ATT = 0, ESP_POLICY_LOCAL_AGREEMENT = 1 } esp_policy;

typedef struct esp_session_options {
  size_t struct_size;
  const char *language;       /* "auto", "en", "eng", "English"; null: "auto" */
  const char *task;           /* "transcribe", "translate", "st:deu"; null: "transcribe" */
  const char *initial_prompt; /* names and style that precede the first utterance; null: none */
  esp_policy policy;          /* what makes text final */
  int32_t detect_speech;      /* 1: what is no speech is not decoded; 0: everything is */
  int32_t update_ms;          /* audio between two updates of the partial text */
  int32_t guard_ms;           /* AlignAtt: the newest audio that is not trusted */
  int32_t end_silence_ms;     /* silence that ends an utterance behind a whole sentence */
  int32_t end_silence_unfinished_ms; /* silence that ends any utterance */
  int32_t heartbeat_ms;              /* between two ESP_EVENT_SILENCE */
  int32_t carry_text;                /* 1: the text before an utterance helps to decode it */
  int32_t first_update_ms;           /* audio before the first text of an utterance */
  int32_t
      longest_window_ms; /* longer utterances are cut, at a sentence or pause where there is one */
  int32_t strictness;    /* of the voice detector, 0 to 3 */
  int32_t encoder_padding_ms;  /* silence behind a window; -1: the model's whole window; -2 (the
                                  default): what suits the model */
  int32_t restrict_vocabulary; /* as esp_transcribe_options' */
} esp_session_options;

/* Sets every field to its default. */
ESP_API void esp_session_options_init(esp_session_options *options);

/* A session that waits for audio. options may be null. */
ESP_API esp_status esp_session_open(esp_model *model, const esp_session_options *options,
                                    esp_session **out);
/* Null is allowed. Not while a call on the session runs. */
ESP_API void esp_session_close(esp_session *session);

/* What a call changed. */
typedef struct esp_update {
  size_t struct_size;
  int32_t committed_changed; /* 1: the partial's committed text grew, or utterances became final */
  int32_t tentative_changed; /* 1: the partial's tentative text is another one */
  int32_t partial_changed;   /* 1: either, or the partial is of another utterance */
  int32_t final_count;       /* utterances that became final in this call (esp_final) */
  int32_t in_speech;         /* 1: an utterance is being spoken */
  int32_t is_final;          /* 1: the stream is finished */
  int32_t revision;          /* of the partial: how often tentative text was replaced */
  int64_t input_ms;          /* audio taken so far */
  int64_t committed_ms;      /* end of the last committed word */
  int64_t buffered_ms;       /* audio taken that is behind it */
  int64_t lag_ms;            /* audio that waited behind this call (esp_set_backlog) */
} esp_update;

ESP_API void esp_update_init(esp_update *update);

/* Starts a new stream: the clock is 0 again, language, task and gates stay. A fresh session has
 * begun already. esp_reset is the same by another name. */
ESP_API esp_status esp_begin(esp_session *session);
ESP_API esp_status esp_reset(esp_session *session);

/* Takes samples, any number of them, and does the work that is due. update may be null.
 * ESP_INVALID_ARGUMENT, and none of them taken: one is no number, or beyond 1e10. */
ESP_API esp_status esp_feed(esp_session *session, const float *samples, size_t count,
                            esp_update *update);
ESP_API esp_status esp_feed_i16(esp_session *session, const int16_t *samples, size_t count,
                                esp_update *update);
/* Ends the utterance at hand; the stream goes on. */
ESP_API esp_status esp_flush(esp_session *session, esp_update *update);
/* Ends the stream. */
ESP_API esp_status esp_finish(esp_session *session, esp_update *update);

/* Compiles what decoding needs, so that the first words do not wait for it. */
ESP_API esp_status esp_warm_up(esp_session *session);

/* Samples that already wait behind those of the next feed: the session then leaves out tentative
 * work, never audio, until the caller is up with the present. Stays until it is set again. */
ESP_API esp_status esp_set_backlog(esp_session *session, int64_t samples);
/* Language and task from the next update on; null: as they are. */
ESP_API esp_status esp_set_context(esp_session *session, const char *language, const char *task);

/* The gates are looked at again with the next window. */
ESP_API esp_status esp_look_at_gates(esp_session *session);

/* Gives the call that runs on the session up, from any thread: it returns ESP_CANCELLED within some
 * milliseconds. Without one the next call that computes returns it. */
ESP_API esp_status esp_session_abort(esp_session *session);
/* Is asked while a call on the session computes; its word is that of esp_session_abort. Null:
 * nobody is asked. */
ESP_API esp_status esp_set_abort(esp_session *session, esp_abort_fn abort_fn, void *user);

/* ---- Text ---- */

typedef struct esp_segment {
  size_t struct_size;
  int64_t utterance_id; /* from 1, never reopened */
  int64_t t0_ms;
  int64_t t1_ms;
  const char *committed; /* only ever grows at its end; of a final all of its text */
  size_t committed_size;
  const char *tentative; /* may change; "" in a final */
  size_t tentative_size;
  const char *language; /* "en" */
  int32_t word_count;   /* of the committed text */
  esp_outcome outcome;  /* of a final */
  double avg_log_prob;
  double no_speech_prob;
} esp_segment;

ESP_API void esp_segment_init(esp_segment *segment);

/* The utterance at hand; all zero when there is none. */
ESP_API esp_status esp_partial(const esp_session *session, esp_segment *out);
ESP_API esp_status esp_partial_word(const esp_session *session, int32_t word, esp_word *out);
/* Utterances that became final in the last call, oldest first. */
ESP_API esp_status esp_final(const esp_session *session, int32_t index, esp_segment *out);
ESP_API esp_status esp_final_word(const esp_session *session, int32_t index, int32_t word,
                                  esp_word *out);

/* ---- Events ---- */

/* The same as a sequence, for programs that show or log everything in its order. */
typedef enum esp_event_type {
  ESP_EVENT_SPEECH_START = 0, /* t0_ms: an utterance begins there */
  ESP_EVENT_PARTIAL = 1,      /* its text so far */
  ESP_EVENT_FINAL = 2,        /* its whole text, which covers exactly [t0_ms, t1_ms] */
  ESP_EVENT_SPEECH_END = 3,   /* t1_ms: the speech ended there; a cut for length has none */
  ESP_EVENT_SILENCE = 4,      /* a heartbeat while nobody speaks */
  ESP_EVENT_ERROR = 5,        /* an update failed, or a device did and the CPU went on */
  ESP_EVENT_END = 6           /* after esp_finish: nothing follows */
} esp_event_type;

typedef struct esp_event {
  size_t struct_size;
  esp_event_type type;
  int32_t revision;     /* how often tentative text was replaced */
  int64_t utterance_id; /* 0: of no utterance */
  int64_t t0_ms;
  int64_t t1_ms;
  int64_t input_ms;      /* audio that had been taken when this was said */
  int64_t lag_ms;        /* audio that waited behind it */
  const char *committed; /* these and the following as in esp_segment */
  size_t committed_size;
  const char *tentative;
  size_t tentative_size;
  const char *language;
  int32_t word_count;
  esp_outcome outcome;
  double avg_log_prob;
  double no_speech_prob;
  esp_status status;   /* of ESP_EVENT_ERROR; otherwise ESP_OK */
  const char *message; /* of the same; otherwise "" */
} esp_event;

ESP_API void esp_event_init(esp_event *event);
/* Events of the last call, also where that failed. */
ESP_API int32_t esp_event_count(const esp_session *session);
/* Event `index` of the last call. A partial is left out where the next one of its utterance
 * followed within the call. */
ESP_API esp_status esp_event_at(const esp_session *session, int32_t index, esp_event *out);
ESP_API esp_status esp_event_word(const esp_session *session, int32_t index, int32_t word,
                                  esp_word *out);

/* ---- Figures ---- */

typedef struct esp_session_stats {
  size_t struct_size;
  int64_t input_ms;          /* audio taken since esp_begin */
  int64_t update_count;      /* windows decoded since the session was opened, as are the others */
  int64_t dropped_count;     /* updates left out because of the backlog */
  int64_t token_count;       /* decoder steps */
  int32_t gate_count;        /* modules that a context may close */
  int32_t closed_gate_count; /* of them, in the last window */
  int32_t gate_look_count;
  double features_s; /* seconds spent, wall time */
  double gates_s;
  double plan_s;
  double encoder_s;
  double decoder_s;
  double search_s;
} esp_session_stats;

ESP_API void esp_session_stats_init(esp_session_stats *stats);
ESP_API esp_status esp_session_get_stats(const esp_session *session, esp_session_stats *out);

#ifdef __cplusplus
}
#endif

#endif /* ESPALIER_H_ */
