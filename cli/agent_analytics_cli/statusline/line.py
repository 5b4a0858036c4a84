"""What `agent-analytics statusline` does, without click: standard input in, one line out."""

from __future__ import annotations

import json
import os
import select
import sys
import time

from agent_analytics_cli.statusline.facts import read_facts
from agent_analytics_cli.statusline.readings import keep_readings
from agent_analytics_cli.statusline.text import UNKNOWN, as_json, as_line
from agent_analytics_collector.home import Home

_MOST_BYTES = 1024 * 1024
_PATIENCE_S = 1.0
"""How long whoever has our standard input open may say nothing."""


def print_status_line(*, is_json: bool = False) -> None:
    """Print the line, then have new limits kept. Raises nothing, whatever it is told."""
    now = time.time()
    try:
        home = Home.from_environment()
        facts = read_facts(_standard_input(), home, now)
        _print(json.dumps(as_json(facts, now), indent=2) if is_json else as_line(facts, now))
    except Exception:  # Claude Code would show nothing, or an error at every keystroke
        _print("{}" if is_json else UNKNOWN)
        return
    try:
        keep_readings(facts, home, now)
    except Exception:
        return


def _standard_input() -> bytes:
    """What is told; nothing from a terminal, or from somebody who keeps silent."""
    if sys.stdin is None or sys.stdin.isatty():
        return b""
    told = b""
    descriptor = sys.stdin.fileno()
    while len(told) < _MOST_BYTES and select.select([descriptor], [], [], _PATIENCE_S)[0]:
        part = os.read(descriptor, 65_536)
        if not part:
            break
        told += part
    return told


def _print(text: str) -> None:
    """Out at once, and in UTF-8 in any locale, which is what Claude Code reads."""
    try:
        sys.stdout.buffer.write(f"{text}\n".encode())
        sys.stdout.flush()
    except OSError:  # whoever called has left; Python would complain again while it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
