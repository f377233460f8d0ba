#!/usr/bin/env python3
"""Times Espalier with 1 and 2 threads on a machine that other programs keep busy.

    bench_busy.py --model DIR AUDIO [--espalier PROGRAM] [--busy N] [--threads N] [--rounds N]
                  [--language CODE] [--beam-size N]

--busy N (4) processes count without end while `espalier bench` runs, with one thread and with
--threads N (2) in turn. Prints the medians; exit status 1 when more threads take over 1.5 times one
thread's time: threads that wait for each other must sleep, not spin.
"""

import argparse
import statistics
import subprocess
import sys

import measuring

SLOWEST = 1.5
BUSY = [sys.executable, "-c", "while True: pass"]


def run_once(args, threads):
    command = [args.espalier, "bench", "-m", args.model, args.audio, "--json", "--runs=1"]
    command += ["-t", str(threads), "-l", args.language, "--beam-size", str(args.beam_size)]
    out, _ = measuring.timed_process(command)
    return measuring.last_json(out)


def run_rounds(args):
    """Threads -> what each round printed."""
    runs = {1: [], args.threads: []}
    busy = [subprocess.Popen(BUSY) for _ in range(args.busy)]
    try:
        for _ in range(args.rounds):
            for threads, found in runs.items():
                found.append(run_once(args, threads))
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return runs


def main():
    parser = argparse.ArgumentParser(description="Threads against one thread on a busy machine.")
    parser.add_argument("audio", metavar="AUDIO")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--espalier", default="bazel-bin/apps/espalier", metavar="PROGRAM")
    parser.add_argument("--busy", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--language", default="en")
    parser.add_argument("--beam-size", type=int, default=1)
    args = parser.parse_args()
    runs = run_rounds(args)
    print("%s; %d busy processes, %d rounds\n" % (measuring.machine(), args.busy, args.rounds))
    head = ["threads", "encode s", "decode s", "both s", "CPU s"]
    keys = ["encode_s", "decode_s", "total_s", "cpu_s"]
    rows = [
        [threads] + [measuring.spread([run[key] for run in found]) for key in keys]
        for threads, found in runs.items()
    ]
    print(measuring.markdown_table(head, rows))
    medians = {n: statistics.median(run["total_s"] for run in found) for n, found in runs.items()}
    ratio = medians[args.threads] / medians[1]
    print("\n%d threads take %.2f of one thread's time" % (args.threads, ratio))
    return 1 if ratio > SLOWEST else 0


if __name__ == "__main__":
    sys.exit(main())
