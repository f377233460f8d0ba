#!/usr/bin/env python3
"""Times the parts of one other Whisper program in this process and prints them as JSON.

    peer_stages.py faster-whisper|whisper.cpp|onnxruntime MODEL AUDIO.wav [--threads N]
                   [--compute-type float32|int8]

bench_stages.py starts it. Milliseconds, the best of some repeats: `encoder` of a window of 30 s,
`token` and `beams` of a decoder step of one and of five hypotheses, `prompt` of 224 tokens fed at
once. CTranslate2 is seen through `generate` alone: a step is the difference of a long and a short
generation, the prompt that of a long and a short prompt. pywhispercpp decodes one token at a time;
of onnxruntime there is the encoder that whisper_onnx.py wrote.
"""

import argparse
import json
import time

from wav_file import read_wav

REPEATS = 5
PROMPT_TOKENS, SHORT, LONG = 224, 8, 40
START = ("startoftranscript", "en", "transcribe", "notimestamps")


def best_ms(function):
    times = []
    for _ in range(REPEATS):
        start = time.monotonic()
        function()
        times.append(time.monotonic() - start)
    return 1e3 * min(times)


def faster_whisper(args, samples):
    import numpy as np
    from ctranslate2 import StorageView
    from faster_whisper import WhisperModel

    whisper = WhisperModel(
        args.model, device="cpu", compute_type=args.compute_type, cpu_threads=args.threads
    )
    token = whisper.hf_tokenizer.token_to_id
    start = [token("<|%s|>" % name) for name in START]
    end = token("<|endoftext|>")
    mel = np.zeros((1, whisper.model.n_mels, 3000), np.float32)
    features = whisper.feature_extractor(samples)[:, :3000]
    mel[0, :, : features.shape[1]] = features
    view = StorageView.from_array(mel)
    encoded = whisper.model.encode(view)

    def generation(prompt, beams, wanted):
        """(milliseconds, tokens made). CTranslate2 halves max_length or takes the prompt off."""
        limit = max(2 * wanted, wanted + len(prompt))
        options = {"beam_size": beams, "max_length": limit, "suppress_tokens": [end]}
        made = whisper.model.generate(encoded, [prompt], **options)[0].sequences_ids[0]
        return best_ms(lambda: whisper.model.generate(encoded, [prompt], **options)), len(made)

    def step(beams):
        (long_ms, many), (short_ms, few) = (generation(start, beams, n) for n in (LONG, SHORT))
        return (long_ms - short_ms) / (many - few)

    previous = [token("<|startofprev|>")] + [1000 + i for i in range(PROMPT_TOKENS - 1)]
    token_ms = step(1)
    (long_ms, many), (short_ms, few) = (generation(p, 1, SHORT) for p in (previous + start, start))
    return {
        "encoder": best_ms(lambda: whisper.model.encode(view)),
        "token": token_ms,
        "beams": step(5),
        "prompt": long_ms - short_ms - (many - few) * token_ms,
    }


def whisper_cpp(args, samples):
    import _pywhispercpp as cpp
    from pywhispercpp.model import Model

    model = Model(args.model, n_threads=args.threads, redirect_whispercpp_logs_to=None)
    context = model._ctx
    cpp.whisper_pcm_to_mel(context, samples, len(samples), args.threads)
    encoder = best_ms(lambda: cpp.whisper_encode(context, 0, args.threads))
    start = cpp.whisper_token_sot(context)

    def tokens():
        for past in range(LONG):
            cpp.whisper_decode(context, start, 1, past, args.threads)

    return {"encoder": encoder, "token": best_ms(tokens) / LONG}


def onnxruntime(args, samples):
    import numpy as np
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = args.threads
    session = InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    features = np.resize(np.sin(samples), shape).astype(np.float32)  # time depends on no value
    return {"encoder": best_ms(lambda: session.run(None, {"features": features}))}


PEERS = {
    "faster-whisper": faster_whisper,
    "whisper.cpp": whisper_cpp,
    "onnxruntime": onnxruntime,
}


def main():
    parser = argparse.ArgumentParser(description="Times the parts of another program.")
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("audio", metavar="AUDIO")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compute-type", default="float32", help="of faster-whisper")
    args = parser.parse_args()
    print(json.dumps(PEERS[args.peer](args, read_wav(args.audio))))


if __name__ == "__main__":
    main()
