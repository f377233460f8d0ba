"""What the benchmark scripts share: one timed process at a time, medians, the table."""

import datetime
import json
import os
import statistics
import subprocess
import tempfile
import time


def machine():
    """One line: processor, cores, date, commit of the checkout this file lies in."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    here = os.path.dirname(os.path.abspath(__file__))
    git = subprocess.run(
        ["git", "-C", here, "describe", "--always", "--dirty"], capture_output=True, text=True
    )
    return "%s, %d cores, %s, commit %s" % (
        model,
        os.cpu_count(),
        datetime.date.today().isoformat(),
        git.stdout.strip() or "unknown",
    )


def _cpu_ticks():
    """(busy, all) of the whole machine since boot, in ticks summed over the cores."""
    with open("/proc/stat", encoding="utf-8") as file:
        fields = [int(f) for f in file.readline().split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def timed_process(command, env=None):
    """Runs a command and returns (its standard output, a dictionary of what it cost).

    wall_s, cpu_s (user and system, children included), rss_mb (peak), others (share of the machine
    that other processes used meanwhile, 0 to 1). Raises RuntimeError with its words on failure.
    """
    busy, ticks = _cpu_ticks()
    start = time.monotonic()
    # wait4 gives this child's own peak; RUSAGE_CHILDREN only the largest child so far.
    with tempfile.TemporaryFile() as out_file, tempfile.TemporaryFile() as err_file:
        process = subprocess.Popen(
            command, stdout=out_file, stderr=err_file, env={**os.environ, **(env or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        out_file.seek(0)
        err_file.seek(0)
        out, err = out_file.read(), err_file.read()
    busy_after, ticks_after = _cpu_ticks()
    if process.returncode != 0:
        words = " | ".join(err.decode("utf-8", "replace").strip().splitlines()[-3:])
        raise RuntimeError("%s: exit status %d: %s" % (command[0], process.returncode, words))
    cpu = usage.ru_utime + usage.ru_stime
    own = cpu * os.sysconf("SC_CLK_TCK")
    others = max(0.0, busy_after - busy - own) / max(1, ticks_after - ticks)
    cost = {"wall_s": wall, "cpu_s": cpu, "rss_mb": usage.ru_maxrss / 1024, "others": others}
    return out, cost


def last_json(out):
    """The JSON object that a program printed, after whatever chatter came before it."""
    text = out.decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.startswith("{")]
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(lines[-1]) if lines else {}


def spread(values, digits=2):
    """median (smallest-largest)"""
    if not values:
        return "-"
    median = statistics.median(values)
    return "%.*f (%.*f-%.*f)" % (digits, median, digits, min(values), digits, max(values))


def peak_rss_mb():
    """This process's own peak resident memory."""
    with open("/proc/self/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


def markdown_table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])
