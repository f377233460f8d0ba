"""A live session on a terminal: the status line, dim tentative text, keys, the mode restored."""

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import time


def take_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    def __init__(self, command):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        environment = dict(os.environ, TERM="xterm")
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        env=environment, start_new_session=True,
                                        preexec_fn=take_terminal)
        self.seen = ""

    def wait_for(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"no {text!r} in {self.seen!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")

    def press(self, key):
        os.write(self.master, key.encode())


def main(program, audio):
    terminal = Terminal([program, "live", "-l", "eng", "--threads", "1",
                         "--languages", "deu,jpn", "--update-ms", "200", audio])
    terminal.wait_for("keys:")
    terminal.wait_for("[#")
    terminal.wait_for("lag 0.")
    terminal.wait_for("\x1b[2m")  # dim
    terminal.press("l")
    terminal.wait_for("language deu")
    terminal.press("t")
    terminal.wait_for("translate, language deu")
    terminal.press("f")
    terminal.press("q")
    assert terminal.process.wait(60) == 0, terminal.seen
    assert termios.tcgetattr(terminal.slave) == terminal.before, "the terminal's mode"
    os.close(terminal.master)


main(*sys.argv[1:])
