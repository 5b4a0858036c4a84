"""How long `report` takes without a collector, when a live transcript has just grown by 1 MB."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from benchmarks import transcripts
from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.processes import (
    Failed,
    collector,
    command,
    environment,
    wait_until_loaded,
)

AIM = Aim(1.0, of="subject")
_APPENDED_MB = 1.0
_HISTORY_MB = {Size.FULL: 500.0, Size.QUICK: 100.0, Size.TINY: 2.0}
_ROUNDS = {Size.FULL: 11, Size.QUICK: 5, Size.TINY: 1}


def measure(size: Size) -> Measurement:
    """`report` by the published marts, and by them and what one session did since, in turn."""
    as_published, fresh = [], []
    with collector(SESSIONS_WATCH="false", TRANSFORM_ENABLED="false") as service:
        user = service.home.root / "user"
        variables = environment(service.home) | {"HOME": str(user)}
        written = transcripts.write(user / ".claude", _HISTORY_MB[size])
        _run(variables, "import", "--timeout", "600")
        wait_until_loaded(service.home)
        service.process.terminate()
        service.process.wait()
        _run(variables, "transform")
        live = max(
            (user / ".claude" / "projects").glob("*/*.jsonl"), key=lambda file: file.stat().st_size
        )
        before, requests = live.stat().st_size, _report(variables)[0]
        for number in range(_ROUNDS[size]):
            more = transcripts.going_on(live, _APPENDED_MB, seed=number)
            with live.open("ab") as file:
                file.write(more.rstrip(b"\n"))  # the last line is whole, its end not written yet
            added, seconds = _report(variables)
            fresh.append(seconds)
            if added - requests != _answers(more):
                raise Failed(f"report has {added - requests} more requests, not {_answers(more)}")
            os.truncate(live, before)
            as_published.append(_report(variables)[1])
    return Measurement(
        f"fresh: `report` without a collector, {_APPENDED_MB:.0f} MB appended to a transcript, "
        f"after {written / 1e6:,.0f} MB of history",
        "`report` with nothing appended",
        [Figure("report", "s", fresh, as_published, AIM)],
        ["The whole command, from its start to its end; each answer counts the last line."],
    )


def _answers(lines: bytes) -> int:
    """Requests that the lines tell of."""
    told = map(orjson.loads, lines.splitlines())
    return len({line["requestId"] for line in told if line["type"] == "assistant"})


def _report(variables: Mapping[str, str]) -> tuple[int, float]:
    """(requests, seconds) of a report of all days."""
    began = time.monotonic()
    output = _run(variables, "report", "--since", "2020-01-01", "--until", "2039-12-31", "--json")
    seconds = time.monotonic() - began
    total: dict[str, Any] = json.loads(output)["total"]
    return total["requests"], seconds


def _run(variables: Mapping[str, str], *arguments: str) -> bytes:
    done = subprocess.run(
        [*command(), *arguments], env=variables, capture_output=True, check=False,
        cwd=Path(variables["HOME"]),
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout
