#!/usr/bin/env python3
"""Peak resident memory of `espalier transcribe` over hours of speech, sampled once a second.

    measure_memory.py --model DIR AUDIO... [--espalier PROGRAM] [--hours H] [--pipe]
                      [--language CODE] [--device NAME] [--threads N] [--out FILE.json]
                      [--extra "OPTIONS"]

AUDIO (mono, 16 kHz, anything ffmpeg reads) is repeated until H hours (3) are full, as a FLAC file,
or with --pipe as 16-bit samples on standard input. Prints the largest resident memory of the first
minute and of the rest; exit status 1 when the rest needs over 10 % more.
"""

import argparse
import datetime
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

import measuring

RATE, SAMPLE_BYTES = 16000, 2
FIRST_S, GROWTH = 60.0, 1.10


def read_samples(path):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-f", "s16le"]
    return subprocess.run(
        command + ["-ac", "1", "-ar", str(RATE), "-"], check=True, capture_output=True
    ).stdout


def write_repeated(out, loop, size):
    """`size` bytes of the loop, again and again."""
    while size > 0:
        out.write(loop[:size])
        size -= len(loop[:size])


def write_flac(path, loop, size):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE)]
    command += ["-ac", "1", "-i", "-", path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    write_repeated(process.stdin, loop, size)
    process.stdin.close()
    if process.wait():
        raise SystemExit("measure_memory.py: ffmpeg could not write %s" % path)


def resident_mb(pid):
    """Resident memory now; 0 when the process is gone."""
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
    except FileNotFoundError:
        pass
    return 0.0


def sample(process):
    """[(seconds since the start, MB)] until the process ends, about once a second."""
    start, samples = time.monotonic(), []
    while process.poll() is None:
        samples.append((time.monotonic() - start, resident_mb(process.pid)))
        time.sleep(1.0)
    # What the kernel still tells of a process that has just ended is no measurement.
    return [(at, mb) for at, mb in samples if mb > 0]


def run(args, loop, size, scratch):
    """(samples, seconds, the program's JSON)"""
    result = os.path.join(scratch, "result.json")
    command = [args.espalier, "transcribe", "-m", args.model, "-l", args.language, "--quiet"]
    command += ["-f", "json", "-o", result, "--device", args.device]
    command += ["--threads", str(args.threads)] + shlex.split(args.extra)
    start, feeder, stdin = time.monotonic(), None, subprocess.DEVNULL
    if args.pipe:
        # A child feeds the pipe, so that sampling goes on while the pipe is full.
        reader, writer = os.pipe()
        feeder = os.fork()
        if feeder == 0:
            os.close(reader)
            with os.fdopen(writer, "wb") as out:
                try:
                    write_repeated(out, loop, size)
                except BrokenPipeError:
                    os._exit(1)
            os._exit(0)
        os.close(writer)
        stdin = reader
        command += ["-", "--raw-sample-rate", str(RATE)]
    else:
        command.append(os.path.join(scratch, "long.flac"))
        write_flac(command[-1], loop, size)
        start = time.monotonic()
    process = subprocess.Popen(command, stdin=stdin)
    if feeder:
        os.close(stdin)
    samples = sample(process)
    if feeder:
        os.waitpid(feeder, 0)
    if process.returncode:
        raise SystemExit("measure_memory.py: exit status %d" % process.returncode)
    with open(result, encoding="utf-8") as file:
        return samples, time.monotonic() - start, json.load(file)


def report(args, samples, seconds, result):
    first = [mb for at, mb in samples if at <= FIRST_S]
    rest = [mb for at, mb in samples if at > FIRST_S]
    if not rest:
        raise SystemExit("measure_memory.py: done within a minute; use more --hours")
    growth = max(rest) / max(first)
    print(measuring.machine())
    print(
        "%s, %s, %d threads: %.2f h of audio in %s, %d segments"
        % (
            os.path.basename(os.path.abspath(args.model)),
            "pipe" if args.pipe else "FLAC file",
            args.threads,
            result["duration"] / 3600,
            datetime.timedelta(seconds=int(seconds)),
            len(result["segments"]),
        )
    )
    values = (max(first), max(rest), 100 * (growth - 1))
    print("largest resident memory: first minute %.1f MB, after it %.1f MB (%+.1f %%)" % values)
    print("in the end %.1f MB" % rest[-1])
    if args.out:
        document = {"machine": measuring.machine(), "seconds": seconds, "samples": samples}
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump(document, file)
    # A run that stopped early would look flat.
    heard = abs(result["duration"] - args.hours * 3600) < 1.0
    if not heard:
        print("only %.0f s of the audio were decoded" % result["duration"])
    return 0 if heard and growth <= GROWTH else 1


def main():
    parser = argparse.ArgumentParser(description="Memory of decoding hours of speech.")
    parser.add_argument("audio", nargs="+", metavar="AUDIO")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--espalier", default="bazel-bin/apps/espalier", metavar="PROGRAM")
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--pipe", action="store_true")
    parser.add_argument("--language", default="en")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--extra", default="", help="more options for espalier transcribe")
    parser.add_argument("--out", metavar="FILE", help="all samples as JSON")
    args = parser.parse_args()
    loop = b"".join(read_samples(path) for path in args.audio)
    size = int(args.hours * 3600 * RATE) * SAMPLE_BYTES
    with tempfile.TemporaryDirectory() as scratch:
        return report(args, *run(args, loop, size, scratch))


if __name__ == "__main__":
    sys.exit(main())
