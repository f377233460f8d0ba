#!/usr/bin/env python3
"""Runs one other Whisper program in this process and prints what transcribing cost, as JSON.

    peer_timing.py faster-whisper|whisper.cpp MODEL AUDIO.wav… [--beam-size N] [--threads N]
                   [--timestamps] [--language CODE] [--compute-type float32|int8]

bench_peers.py starts it with a Python that has faster-whisper and pywhispercpp. Temperature 0, no
fallback, no voice activity detection, no carried text. The model is loaded and one untimed
transcription done before the clock starts.
"""

import argparse
import json
import time

import measuring
from wav_file import read_wav


def faster_whisper(args):
    """A function that transcribes samples and returns (text, token count)."""
    from faster_whisper import WhisperModel

    yield
    model = WhisperModel(
        args.model, device="cpu", compute_type=args.compute_type, cpu_threads=args.threads
    )
    options = {
        "language": args.language,
        "beam_size": args.beam_size,
        "temperature": 0.0,
        "without_timestamps": not args.timestamps,
        "condition_on_previous_text": False,
        "compression_ratio_threshold": None,
        "log_prob_threshold": None,
        "no_speech_threshold": None,
        "vad_filter": False,
    }

    def run(samples):
        segments = list(model.transcribe(samples, **options)[0])
        return "".join(s.text for s in segments), sum(len(s.tokens) for s in segments)

    yield run


def whisper_cpp(args):
    """As faster_whisper; whisper.cpp has no threshold that acts when the temperature stays 0."""
    import _pywhispercpp
    from pywhispercpp.model import Model

    yield
    strategy = 0 if args.beam_size == 1 else 1
    sampling = {"greedy": {"best_of": 1}}
    if strategy:
        sampling = {"beam_search": {"beam_size": args.beam_size, "patience": -1.0}}
    model = Model(
        args.model,
        params_sampling_strategy=strategy,
        redirect_whispercpp_logs_to=None,
        n_threads=args.threads,
        language=args.language,
        temperature=0.0,
        temperature_inc=0.0,
        no_context=True,
        no_timestamps=not args.timestamps,
        print_progress=False,
        **sampling,
    )

    def run(samples):
        segments = model.transcribe(samples)
        counts = (_pywhispercpp.whisper_full_n_tokens(model._ctx, i) for i in range(len(segments)))
        return " ".join(s.text for s in segments), sum(counts)

    yield run


PEERS = {"faster-whisper": faster_whisper, "whisper.cpp": whisper_cpp}


def main():
    parser = argparse.ArgumentParser(description="Times one transcription of another program.")
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("audio", metavar="AUDIO", nargs="+")
    parser.add_argument("--beam-size", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--timestamps", action="store_true")
    parser.add_argument("--language", default="en")
    parser.add_argument("--compute-type", default="float32", help="of faster-whisper")
    args = parser.parse_args()
    clips = [read_wav(path) for path in args.audio]
    steps = PEERS[args.peer](args)
    next(steps)
    empty_mb = measuring.peak_rss_mb()
    start = time.monotonic()
    run = next(steps)
    load_s = time.monotonic() - start
    for samples in clips:
        run(samples)
    cpu, start = time.process_time(), time.monotonic()
    found = [run(samples) for samples in clips]
    report = {
        "load_s": load_s,
        "total_s": time.monotonic() - start,
        "cpu_s": time.process_time() - cpu,
        "tokens": sum(tokens for _, tokens in found),
        "text": " ".join(text.strip() for text, _ in found),
        "peak_rss_mb": measuring.peak_rss_mb(),
        "empty_rss_mb": empty_mb,
    }
    print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
