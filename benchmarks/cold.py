"""From nothing to the first number: the wheel into a new environment, then `report`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agent_analytics_collector.home import Home
from benchmarks import transcripts
from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.processes import Failed, command, environment

AIM = Aim(30.0, of="subject")
_ROOT = Path(__file__).parents[1]
_TRANSCRIPTS_MB = {Size.FULL: 100.0, Size.QUICK: 100.0, Size.TINY: 1.0}
_ROUNDS = {Size.FULL: 3, Size.QUICK: 1, Size.TINY: 1}


def measure(size: Size) -> Measurement:
    """The time to install, and that of the first and the second `report` of a new user.

    The tiny run takes the environment that is here.
    """
    install: list[float] = []
    first: list[float] = []
    second: list[float] = []
    with tempfile.TemporaryDirectory(prefix="agent-analytics-bench-") as name:
        folder = Path(name)
        written = transcripts.write(folder / ".claude", _TRANSCRIPTS_MB[size])
        wheel = None if size is Size.TINY else _wheel(folder)
        for number in range(_ROUNDS[size]):
            program = command()
            if wheel is not None:
                began = time.monotonic()
                program = _install(wheel, folder / f"venv{number}")
                install.append(time.monotonic() - began)
            home = Home(folder / f"home{number}")
            first.append(_report(program, home, folder))
            second.append(_report(program, home, folder))
    figures = [
        Figure("the first report", "s", first),
        Figure("the second report", "s", second),
    ]
    if install:
        both = [one + other for one, other in zip(install, first, strict=True)]
        figures = [
            Figure("install the wheel and what it needs", "s", install),
            *figures,
            Figure("install, then the first report", "s", both, aim=AIM),
        ]
    return Measurement(
        f"cold: a new user with {written / 1e6:,.0f} MB of transcripts, no home and no collector",
        "none",
        figures,
        ["pip with its cache of packages as it is; Python's own files are compiled on the way."],
    )


def _wheel(folder: Path) -> Path:
    dist = folder / "dist"
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(dist), "."])
    return next(dist.glob("*.whl"))


def _install(wheel: Path, folder: Path) -> list[str]:
    """The command, in an environment of its own."""
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel)])
    return [str(folder / "bin" / "agent-analytics")]


def _report(program: list[str], home: Home, user: Path) -> float:
    """Seconds until the table was there."""
    variables = environment(home) | {"HOME": str(user)}
    began = time.monotonic()
    done = subprocess.run(
        [*program, "report", "--json"], env=variables, stdout=subprocess.PIPE, check=False, cwd=user
    )
    seconds = time.monotonic() - began
    if done.returncode or not json.loads(done.stdout)["total"]["requests"]:
        raise Failed(f"report ended with {done.returncode} and has no number")
    return seconds


def _run(arguments: list[str]) -> None:
    done = subprocess.run(
        arguments, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        raise Failed(f"{' '.join(arguments)} ended: {done.stdout.decode()}")
