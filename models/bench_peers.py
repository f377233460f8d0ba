#!/usr/bin/env python3
"""Times Espalier's Whisper against faster-whisper and whisper.cpp, in turn on one machine.

    bench_peers.py --model DIR [--espalier PROGRAM] [--peers-python PYTHON] [--audio WAV]
                   [--clips DIR] [--work DIR] [--rounds N] [--threads N] [--beams 1,5]
                   [--timestamps no,yes] [--only NAME,...] [--language CODE] [--out FILE.json]
                   [--precisions float,int8] [--prompts N] [--gates PACK]

One set of weights (DIR, a Hugging Face Whisper folder), the same 30 s of audio, temperature 0, no
fallback, language given. With --prompts N it is the first N clips of that language, each by itself;
with --gates our programs run a second time with that gate pack. Every program runs in a process of its
own; rounds are interleaved, every other one backwards. Each loads and transcribes once before the
clock starts.

"float": f16 weights with f32 sums, f32 (faster-whisper), f16 (whisper.cpp); "int8": what each program has
of it. PYTHON needs faster-whisper, pywhispercpp, soundfile. WORK keeps the audio and converted models:
ggml-*.bin and espalier-int8 are written here; ct2-f32 is made once, with a Python that has
ctranslate2, transformers and torch, by
    ct2-transformers-converter --model DIR --output_dir WORK/ct2-f32 --quantization float32
        --copy_files tokenizer.json preprocessor_config.json
Without WAV the audio is made of the clips of CLIPS/manifest.json in that language.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

import measuring
from whisper_ggml import write_ggml

HERE = os.path.dirname(os.path.abspath(__file__))
RATE, WINDOW_S, GAP_S, TAIL_S = 16000, 30.0, 0.4, 1.0

# Runs under --peers-python: clips with gaps, then silence to 30 s, so that the last words end
# before the window does and nobody decodes a second one.
JOIN_CLIPS = """
import sys, numpy as np, soundfile
out, clips = sys.argv[1], sys.argv[2:]
parts = []
for clip in clips:
    samples, rate = soundfile.read(clip, dtype="int16")
    assert rate == %d and samples.ndim == 1, clip
    parts += [samples, np.zeros(%d, np.int16)]
joined = np.concatenate(parts)
soundfile.write(out, np.pad(joined, (0, %d - len(joined))), rate, subtype="PCM_16")
""" % (RATE, int(GAP_S * RATE), int(WINDOW_S * RATE))


# The same of each clip as a WAV file of its own: pairs of paths.
COPY_CLIPS = """
import sys, soundfile
for clip, out in zip(sys.argv[1::2], sys.argv[2::2]):
    samples, rate = soundfile.read(clip, dtype="int16")
    soundfile.write(out, samples, rate, subtype="PCM_16")
"""


def clips_of(args):
    with open(os.path.join(args.clips, "manifest.json"), encoding="utf-8") as file:
        return [e for e in json.load(file) if e["language"] == args.language]


def copy_prompts(args):
    """Paths of the first --prompts clips as WAV."""
    pairs = []
    for entry in clips_of(args)[: args.prompts]:
        name = "prompt-" + os.path.basename(entry["file"]).split(".")[0] + ".wav"
        pairs.append(os.path.join(args.clips, entry["file"]))
        pairs.append(os.path.join(args.work, "%s-%s" % (args.language, name)))
    subprocess.run([args.peers_python, "-c", COPY_CLIPS, *pairs], check=True)
    return pairs[1::2]


def make_audio(args, path):
    chosen, seconds = [], TAIL_S
    for entry in clips_of(args):
        if seconds + entry["seconds"] + 2 * GAP_S <= WINDOW_S:
            chosen.append(os.path.join(args.clips, entry["file"]))
            seconds += entry["seconds"] + GAP_S
    if not chosen:
        raise SystemExit("bench_peers.py: %s: no clips in %s" % (args.clips, args.language))
    subprocess.run([args.peers_python, "-c", JOIN_CLIPS, path, *chosen], check=True)


def prepare(args):
    """Audio and models, by what they are for; made where missing."""
    os.makedirs(args.work, exist_ok=True)
    if args.prompts:
        audio = copy_prompts(args)
    else:
        audio = [args.audio or os.path.join(args.work, "speech-%s.wav" % args.language)]
        if not os.path.isfile(audio[0]):
            make_audio(args, audio[0])
    files = {"audio": audio, "espalier": args.model}
    for precision in ("f16", "q8_0"):
        ggml = files[precision] = os.path.join(args.work, "ggml-%s.bin" % precision)
        if not os.path.isfile(ggml):
            write_ggml(args.model, ggml, precision)
    ct2 = files["ct2"] = os.path.join(args.work, "ct2-f32")
    if not os.path.isdir(ct2):
        raise SystemExit("bench_peers.py: %s is missing; --help says how to make it" % ct2)
    int8 = files["espalier int8"] = os.path.join(args.work, "espalier-int8")
    pack = os.path.basename(os.path.abspath(args.gates or ""))  # another pack is another model
    packed = files["espalier int8, pack"] = os.path.join(args.work, "espalier-int8-with-" + pack)
    if args.espalier and "int8" in args.precisions:
        command = [args.espalier, "quantize", args.model, "--to", "int8", "-o"]
        if not os.path.isdir(int8):
            subprocess.run(command + [int8], check=True)
        if args.gates and not os.path.isdir(packed):
            subprocess.run(command + [packed, "--gates", args.gates], check=True)
    return files


def commands(args, beam, timestamps):
    """Name -> command line, of every program under one setting."""
    audio = args.files["audio"]
    options = ["--beam-size", str(beam), "--threads", str(args.threads)]
    language = ["--language", args.language] + ["--timestamps"] * timestamps
    peer = [args.peers_python, "-B", os.path.join(HERE, "peer_timing.py")]

    def faster_whisper(compute_type):
        command = peer + ["faster-whisper", args.files["ct2"], *audio] + options + language
        return command + ["--compute-type", compute_type]

    def whisper_cpp(precision):
        return peer + ["whisper.cpp", args.files[precision], *audio] + options + language

    def espalier(model, gates=None):
        command = [args.espalier, "bench", "-m", model, *audio, "--json", "--runs=1"]
        return command + (["--gates", gates] if gates else []) + options + language

    found = {}
    if "float" in args.precisions:
        found["faster-whisper f32"] = faster_whisper("float32")
        found["whisper.cpp f16"] = whisper_cpp("f16")
        if args.espalier:
            found["espalier"] = espalier(args.files["espalier"])
            if args.gates:
                found["espalier, pack"] = espalier(args.files["espalier"], args.gates)
    if "int8" in args.precisions:
        found["faster-whisper int8"] = faster_whisper("int8")
        found["whisper.cpp q8_0"] = whisper_cpp("q8_0")
        if args.espalier:
            found["espalier int8"] = espalier(args.files["espalier int8"])
            if args.gates:
                found["espalier int8, pack"] = espalier(args.files["espalier int8, pack"], "pack")
    wanted = args.only.split(",") if args.only else found
    return {name: command for name, command in found.items() if name in wanted}


def run_one(name, command, setting, threads):
    env = {key: str(threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    out, cost = measuring.timed_process(command, env)
    run = {"program": name, **setting, **measuring.last_json(out)}
    run.update(process_s=cost["wall_s"], others=cost["others"])
    run.setdefault("peak_rss_mb", cost["rss_mb"])
    print("%(program)s, %(setting)s: %(total_s).2f s" % run, file=sys.stderr)
    return run


def run_rounds(args):
    settings = [
        {"setting": "beam %d, %s" % (beam, "times" if times else "no times")}
        | {"beam_size": beam, "timestamps": times}
        for beam in args.beams
        for times in args.timestamps
    ]
    runs = []
    for i in range(args.rounds):
        for setting in settings:
            found = commands(args, setting["beam_size"], setting["timestamps"])
            for name in list(found)[:: 1 if i % 2 == 0 else -1]:  # no one is always the last
                runs.append(run_one(name, found[name], setting, args.threads))
    return runs


def table(runs):
    head = ["setting", "program", "wall s", "CPU s", "tokens", "load s", "process s"]
    head += ["peak MB", "of it empty", "others' share"]
    groups, rows = {}, []
    for run in runs:
        groups.setdefault((run["setting"], run["program"]), []).append(run)
    for (setting, program), group in groups.items():

        def column(key, digits=2, group=group):
            return measuring.spread([run[key] for run in group if key in run], digits)

        tokens = sorted({run["tokens"] for run in group if "tokens" in run})
        row = [setting, program, column("total_s"), column("cpu_s")]
        row += ["/".join(map(str, tokens)), column("load_s"), column("process_s")]
        rows.append(row + [column("peak_rss_mb", 0), column("empty_rss_mb", 0), column("others")])
    return measuring.markdown_table(head, rows)


def verdicts(runs):
    """One line per setting and precision of ours: its median against the fastest peer's."""
    lines = []
    for setting in dict.fromkeys(run["setting"] for run in runs):
        ours, peers = {}, {}
        for name in dict.fromkeys(run["program"] for run in runs):
            group = [r for r in runs if (r["setting"], r["program"]) == (setting, name)]
            medians = [statistics.median(r[key] for r in group) for key in ("total_s", "process_s")]
            (ours if name.startswith("espalier") else peers)[name] = medians
        for name, (seconds, process) in ours.items():
            if peers:
                best = min(peers, key=peers.get)
                shortest = min(of[1] for of in peers.values())
                words = (setting, name, seconds, peers[best][0], best, seconds / peers[best][0])
                line = "%s: %s %.3f s, fastest peer %.2f s (%s): %.2f of its time" % words
                lines.append("%s; process %.2f of the shortest" % (line, process / shortest))
    return lines


def report(args, runs):
    print(
        "\n%s; %s; %d threads, %d rounds"
        % (
            os.path.basename(os.path.abspath(args.model)),
            ", ".join(os.path.basename(path) for path in args.files["audio"]),
            args.threads,
            args.rounds,
        )
    )
    print(measuring.machine())
    print("median (smallest-largest); tokens as each program counts them; 'of it empty': the")
    print("process with its libraries and no model (Python for the peers)\n")
    print(table(runs))
    for line in verdicts(runs):
        print(line)
    for name, text in {run["program"]: run.get("text", "") for run in runs}.items():
        print("%s: %s" % (name, text))
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            document = {"machine": measuring.machine(), "threads": args.threads, "runs": runs}
            json.dump(document, file, ensure_ascii=False, indent=1)


def numbers(text):
    return [int(part) for part in text.split(",")]


def yes_or_no(text):
    return [{"no": False, "yes": True}[part] for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description="Espalier against other Whisper programs.")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--espalier", metavar="PROGRAM")
    parser.add_argument("--peers-python", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--audio", metavar="WAV", help="16 kHz, mono, 16 bit, at most 30 s")
    parser.add_argument("--prompts", type=int, default=0, metavar="N", help="clips, each by itself")
    parser.add_argument("--gates", metavar="PACK", help="of ours, beside the model without it")
    parser.add_argument("--clips", default="../shared/audio", metavar="DIR")
    parser.add_argument("--work", default="/tmp/espalier-peers", metavar="DIR")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beams", type=numbers, default=[1, 5], metavar="1,5")
    parser.add_argument("--timestamps", type=yes_or_no, default=[False, True], metavar="no,yes")
    parser.add_argument("--precisions", type=lambda t: t.split(","), default=["float", "int8"])
    parser.add_argument("--only", metavar="NAME,...", help="of the programs, by the table's names")
    parser.add_argument("--language", default="en")
    parser.add_argument("--out", metavar="FILE", help="every run as JSON")
    args = parser.parse_args()
    args.files = prepare(args)
    report(args, run_rounds(args))


if __name__ == "__main__":
    main()
