"""Runs a program that finds neither AVX-512 nor AVX-VNNI on its processor; for gdb's own Python.

    gdb -q -batch -x models/without_avx512.py --args PROGRAM ARGUMENTS …

Stops at the cpuid instructions of the program's libraries (not of libc's and the loader's) and answers
for the processor; what the libraries choose then runs at full speed. For peers whose instruction
sets no switch chooses. Needs objdump and cc.
"""

import functools
import os
import subprocess
import tempfile

import gdb

# Bits that are taken away: leaf 7's, and those of its first subleaf.
AVX512_EBX = sum(1 << bit for bit in (16, 17, 21, 26, 27, 28, 30, 31))
AVX512_ECX = sum(1 << bit for bit in (1, 6, 11, 12, 14))
AVX512_EDX = sum(1 << bit for bit in (2, 3, 8, 22, 23, 24, 25))  # AMX as well
VNNI_AND_BF16_EAX = sum(1 << bit for bit in (4, 5, 21, 22, 23))
HIDDEN = {0: (0, AVX512_EBX, AVX512_ECX, AVX512_EDX), 1: (VNNI_AND_BF16_EAX, 0, 0, 0xFFFFFFFF)}
SKIPPED = ("ld-linux", "libc.so", "libm.so", "libpthread", "linux-vdso", "libgcc", "libstdc++")
ASK = """
#include <cpuid.h>
#include <stdio.h>
int main(void) {
  for (unsigned leaf = 0; leaf < 2; ++leaf) {
    unsigned a, b, c, d;
    __cpuid_count(7, leaf, a, b, c, d);
    printf("%u %u %u %u\\n", a, b, c, d);
  }
}
"""


def answers():
    """subleaf of leaf 7 -> eax, ebx, ecx, edx to give"""
    with tempfile.TemporaryDirectory() as scratch:
        source, program = os.path.join(scratch, "ask.c"), os.path.join(scratch, "ask")
        with open(source, "w", encoding="utf-8") as file:
            file.write(ASK)
        subprocess.run(["cc", source, "-o", program], check=True)
        out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    found = {}
    for subleaf, line in enumerate(out.splitlines()):
        found[subleaf] = [int(n) & ~hidden for n, hidden in zip(line.split(), HIDDEN[subleaf])]
    return found


@functools.cache
def cpuid_offsets(path):
    """Addresses in the file of the library's cpuid instructions."""
    code = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", path], check=True, capture_output=True, text=True
    ).stdout
    lines = (line.split() for line in code.splitlines() if line.endswith("\tcpuid"))
    return [int(parts[0].rstrip(":"), 16) for parts in lines]


class Cpuid(gdb.Breakpoint):
    """At a cpuid instruction: leaf 7 is answered here, others by the processor."""

    def stop(self):
        leaf, subleaf = (int(gdb.parse_and_eval("(unsigned)$" + r)) for r in ("eax", "ecx"))
        if leaf == 7 and subleaf in ANSWERS:
            for register, value in zip(("rax", "rbx", "rcx", "rdx"), ANSWERS[subleaf]):
                gdb.execute("set $%s = %d" % (register, value))
            gdb.execute("set $rip = $rip + 2")
            COUNT[0] += 1
        return False


def base_of(path):
    """Where the file is mapped."""
    with open("/proc/%d/maps" % gdb.selected_inferior().pid, encoding="utf-8") as file:
        for line in file:
            if line.rstrip().endswith(path):
                return int(line.split("-")[0], 16)
    raise gdb.GdbError("without_avx512.py: %s is not mapped" % path)


def on_library(event):
    path = event.new_objfile.filename
    if path and os.path.exists(path) and ".so" in path and not any(name in path for name in SKIPPED):
        offsets = cpuid_offsets(path)
        if offsets:
            base = base_of(os.path.realpath(path))
            for offset in offsets:
                Cpuid("*%d" % (base + offset), internal=True)


ANSWERS, COUNT = answers(), [0]
gdb.execute("set confirm off")
gdb.execute("set pagination off")
gdb.execute("set breakpoint pending on")
gdb.execute("set auto-load no")
gdb.execute("handle SIGILL stop print")
gdb.events.new_objfile.connect(on_library)
gdb.execute("run")
gdb.write("without_avx512.py: answered %d times\n" % COUNT[0], gdb.STDERR)
gdb.execute("quit %d" % int(gdb.convenience_variable("_exitcode") or 0))
