"""Importing session files beside reading them with ccusage, the tool that people know."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil

from agent_analytics_collector.home import Home
from benchmarks import transcripts
from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.processes import (
    Collector,
    Failed,
    collector,
    command,
    environment,
    proportional_memory,
    wait_until_loaded,
)

CCUSAGE = "ccusage@20.0.24"
FIRST_AIM = Aim(5.0)
SECOND_AIM = Aim(1.0)
MEMORY_AIM = Aim(300.0, of="subject")
_SAMPLE_S = 0.05
_READ_JSON = """
import pathlib, sys, orjson
for path in pathlib.Path(sys.argv[1]).rglob("*.jsonl"):
    with open(path, "rb") as file:
        for line in file:
            orjson.loads(line)
"""
_TOKENS = {
    "inputTokens": "input_tokens",
    "cacheCreationTokens": "cache_write_5m_tokens + cache_write_1h_tokens",
    "cacheReadTokens": "cache_read_tokens",
    "outputTokens": "output_tokens",
}
"""Totals as ccusage names them, and the sum of ours that is the same."""


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    megabytes: float


PLANS = {Size.FULL: Plan(3, 1000), Size.QUICK: Plan(2, 200), Size.TINY: Plan(1, 2)}


@dataclass(frozen=True, slots=True)
class Run:
    """A program that ran to its end."""

    seconds: float
    peak_mb: float
    """Of it and its children, shared pages counted once."""
    output: bytes


def measure(size: Size) -> Measurement:
    """A first and a second import of transcripts made for it, each round into a new home."""
    plan = PLANS[size]
    theirs: dict[str, list[Run]] = {"first": [], "second": []}
    ours: dict[str, list[Run]] = {"first": [], "second": []}
    loaded_s: list[float] = []
    with tempfile.TemporaryDirectory(prefix="agent-analytics-bench-") as name:
        folder = Path(name)
        written = transcripts.write(folder / ".claude", plan.megabytes)
        baseline, variables, title = _baseline(folder)
        totals: dict[str, int] = {}
        answer_s = 0.0
        for round_number in range(plan.rounds):
            with collector() as service:
                _forget(folder)
                theirs["first"].append(_run(baseline, variables))
                theirs["second"].append(_run(baseline, variables))
                _forget(folder)
                began = time.monotonic()
                ours["first"].append(_import(service, folder))
                wait_until_loaded(service.home)
                loaded_s.append(time.monotonic() - began)
                if round_number == plan.rounds - 1:
                    totals = _totals(service.home)
                began = time.monotonic()
                ours["second"].append(_import(service, folder))
                if totals:
                    _run([*command(), "report", "--json"], environment(service.home))
                    answer_s = time.monotonic() - began
    figures = [
        Figure(f"{which} run", "s", [run.seconds for run in ours[which]],
               [run.seconds for run in theirs[which]], aim)
        for which, aim in (("first", FIRST_AIM), ("second", SECOND_AIM))
    ]  # fmt: skip
    figures += [
        Figure(f"{which} run, peak memory", "MB", [run.peak_mb for run in ours[which]],
               [run.peak_mb for run in theirs[which]], MEMORY_AIM)
        for which in ("first", "second")
    ]  # fmt: skip
    figures.append(Figure("first run, until it is in DuckDB", "s", loaded_s))
    figures.append(
        Figure("second run, then `report`", "s", [answer_s], [theirs["second"][-1].seconds])
    )
    told = _told(theirs["second"][-1].output)
    if told and {name: told[name] for name in totals} != totals:
        raise Failed(f"{CCUSAGE} counts {told}, we count {totals}")
    figures += [
        Figure(name, "tokens", [totals[name]], [told[name]] if told else []) for name in _TOKENS
    ]
    return Measurement(
        f"import_sessions: {written / 1e6:,.0f} MB of Claude Code transcripts, imported into a new "
        "home, then imported again",
        title,
        figures,
        [
            "first: the files are out of the page cache. Memory: PSS of all processes, sampled.",
            "Tokens are those of fct_agent_requests; both count a request once, with the line "
            "that has the most output tokens.",
        ],
    )


def _baseline(folder: Path) -> tuple[list[str], Mapping[str, str], str]:
    """A command that reads all transcripts, its environment, and what it is."""
    variables = environment(Home(folder / "nobody")) | {
        "CLAUDE_CONFIG_DIR": str(folder / ".claude"), "HOME": str(folder / "nobody"),
    }  # fmt: skip
    (folder / "nobody").mkdir()
    if shutil.which("npm") and shutil.which("node"):
        installed = subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund",
             "--prefix", str(folder / "npm"), CCUSAGE],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if installed.returncode == 0:
            program = folder / "npm" / "node_modules" / ".bin" / "ccusage"
            arguments = ["claude", "daily", "--json", "--offline"]
            return [str(program), *arguments], variables, f"{CCUSAGE}: `claude daily --offline`"
    title = f"a Python that decodes every line with orjson ({CCUSAGE} could not be had)"
    return [sys.executable, "-c", _READ_JSON, str(folder / ".claude")], variables, title


def _import(service: Collector, folder: Path) -> Run:
    return _run(
        [*command(), "import", "--home", str(folder), "--timeout", "600"], environment(service.home)
    )


def _run(arguments: list[str], variables: Mapping[str, str]) -> Run:
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(arguments, env=variables, stdout=output)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(_SAMPLE_S)
        seconds = time.monotonic() - began
        if process.returncode:
            raise Failed(f"{' '.join(arguments)} ended with {process.returncode}")
        output.seek(0)
        return Run(seconds, peak, output.read())


def _memory(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        return sum(map(proportional_memory, [process, *process.children(recursive=True)]))
    except psutil.Error:
        return 0.0


def _forget(folder: Path) -> None:
    """Have the system read the files from the disk the next time, where it can be told to."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in folder.rglob("*.jsonl"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _told(output: bytes) -> dict[str, int]:
    """The baseline's totals; none of one that does not count."""
    if not output.startswith(b"{"):
        return {}
    totals: dict[str, int] = json.loads(output)["totals"]
    return totals


def _totals(home: Home) -> dict[str, int]:
    """Tokens of all requests, as dbt counts them."""
    done = subprocess.run(
        [*command(), "transform"], env=environment(home), stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise Failed(f"transform ended with {done.returncode}")
    with _marts(home) as connection:
        sums = ", ".join(f"coalesce(sum({sql}), 0)::bigint" for sql in _TOKENS.values())
        row = connection.execute(f"select {sums} from main.fct_agent_requests").fetchone()
    assert row is not None
    return dict(zip(_TOKENS, row, strict=True))


@contextmanager
def _marts(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(home.current_marts.resolve()), read_only=True) as connection:
        yield connection
