"""How long `agent-analytics --help` takes."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.processes import command

AIM = Aim(120.0, of="subject")
ROUNDS = {Size.FULL: 40, Size.QUICK: 15, Size.TINY: 1}


def measure(size: Size) -> Measurement:
    """The command and two smaller Python programs, in turn."""
    commands = {
        "nothing": [sys.executable, "-c", "pass"],
        "imports": [sys.executable, "-c", "import click, rich_click"],
        "help": [*command(), "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for line in commands.values():
        _milliseconds(line)  # compiles and caches what is not yet
    for _ in range(ROUNDS[size]):
        for name, line in commands.items():
            times[name].append(_milliseconds(line))
    return Measurement(
        "help: `agent-analytics --help`",
        "Python doing less, as named",
        [
            Figure("beside `import click, rich_click`", "ms", times["help"], times["imports"], AIM),
            Figure("beside `python -c pass`", "ms", times["help"], times["nothing"]),
        ],
    )


def _milliseconds(line: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(line, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000
