"""A command run on a terminal, as a person does: what it asks is read, answers are typed."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

_ON_THE_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'agent_analytics_cli.main', *sys.argv[1:]])\n"
)


class Terminal:
    """`with Terminal("init") as terminal: terminal.answer("Who are you", "me")`."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self._end, other = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ON_THE_TERMINAL, *arguments],
            stdin=other, stdout=other, stderr=other, cwd=cwd, start_new_session=True,
        )  # fmt: skip
        os.close(other)
        self.shown = ""
        self._seen = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._process.kill()
        self._process.wait()
        os.close(self._end)

    def wait_for(self, text: str, timeout_s: float = 60.0) -> None:
        """Read until the text is shown, after what was waited for before."""
        end = time.monotonic() + timeout_s
        while text not in self.shown[self._seen :]:
            assert time.monotonic() < end, f"no {text!r} in {self.shown!r}"
            assert self._read(0.2), f"it ended without {text!r}: {self.shown!r}"
        self._seen = self.shown.index(text, self._seen) + len(text)

    def answer(self, question: str, text: str) -> None:
        """Type a line once the question is asked."""
        self.wait_for(question)
        os.write(self._end, f"{text}\n".encode())

    def interrupt(self, question: str) -> int:
        """Press Ctrl-C at the question; the exit code."""
        self.wait_for(question)
        pressed = 0
        while self._read(0.2):
            # One that comes between the prompt and the read that follows it is seen only after
            # the read: then a person presses again.
            if pressed % 10 == 1:
                os.write(self._end, b"\x03")
            pressed += 1
            assert pressed < 100, f"it does not end: {self.shown!r}"
        return self._process.wait(timeout=60)

    def exit_code(self, timeout_s: float = 60.0) -> int:
        """Of the command, once it has ended."""
        end = time.monotonic() + timeout_s
        while self._read(0.2):
            assert time.monotonic() < end, f"it does not end: {self.shown!r}"
        return self._process.wait(timeout=timeout_s)

    def _read(self, timeout_s: float) -> bool:
        """Whether it goes on."""
        if not select.select([self._end], [], [], timeout_s)[0]:
            return True
        try:
            read = os.read(self._end, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            return False
        self.shown += read.decode(errors="replace").replace("\r\n", "\n")
        return bool(read)
