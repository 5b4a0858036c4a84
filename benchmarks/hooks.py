"""What the git hook adds to a commit, whatever state the collector is in."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent_analytics_cli.git.hooks import install, plan_install
from agent_analytics_cli.git.repository import find_repository
from agent_analytics_cli.outbound.flusher import LINGER_S
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home
from benchmarks.figures import Aim, Figure, Measurement, Size, percentile
from benchmarks.processes import Failed, collector, environment, scratch_home, wait_for

ADDED_AIM = Aim(10.0, of="subject")
_PAUSE_S = 0.04
_APART_S = LINGER_S + 1.0
"""So long that the flusher of one commit has ended before the next, which starts another."""
_FLUSHED_S = 60.0
_HOOK_FILES = (2, 39)
"""The version that hooks are installed for: files, which every git runs."""


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    paced: int
    """Commits a round, 40 ms apart."""
    tight: int
    """Commits a round, one after the other."""
    apart: int
    """Commits a round, each of which starts a flusher."""


PLANS = {
    Size.FULL: Plan(5, 200, 300, 4),
    Size.QUICK: Plan(2, 100, 100, 1),
    Size.TINY: Plan(1, 2, 2, 1),
}


@dataclass(slots=True)
class Times:
    """Milliseconds of commits without and with the hook, a list a round."""

    without: list[list[float]] = field(default_factory=list)
    having: list[list[float]] = field(default_factory=list)


def measure(size: Size) -> Measurement:
    """Empty commits in two new repositories, of which one has the hooks."""
    plan = PLANS[size]
    figures = []
    with _up() as home:
        figures += _figures("collector up", home, plan, delivers=True)
    with scratch_home() as home:
        figures += _figures("collector down", home, plan)
    with _hanging() as home:
        figures += _figures("collector hanging", home, plan)
    return Measurement(
        f"hooks: {plan.paced} empty commits {_PAUSE_S * 1000:.0f} ms apart, {plan.tight} in a "
        f"tight loop, and {plan.apart} {_APART_S:g} s apart, git's output read to its end",
        "git without a hook",
        figures,
        ["added: p99 with the hook less p99 without it, round by round."],
    )


@contextmanager
def _up() -> Iterator[Home]:
    with collector() as service:
        yield service.home


@contextmanager
def _hanging() -> Iterator[Home]:
    """A home whose API accepts connections and never answers."""
    with scratch_home() as home, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        home.config_file.write_text(f"backend_url: http://127.0.0.1:{port}\napi_key: k\n")
        yield home


def _figures(state: str, home: Home, plan: Plan, *, delivers: bool = False) -> list[Figure]:
    """`delivers`: what is noted reaches a collector, else all of it has to wait in the outbox."""
    paced, tight, apart = Times(), Times(), Times()
    folder = Path(tempfile.mkdtemp(prefix="agent-analytics-bench-"))
    try:
        bare, hooked = (_repository(folder / name) for name in ("bare", "hooked"))
        install(
            plan_install(find_repository(hooked), home, version=_HOOK_FILES),
            home, Receipt.load(home),
        )  # fmt: skip
        for _ in range(plan.rounds):
            for times, count, pause_s in (
                (paced, plan.paced, _PAUSE_S), (tight, plan.tight, 0.0),
                (apart, plan.apart, _APART_S),
            ):  # fmt: skip
                times.without.append(_commit(bare, home, count, pause_s))
                times.having.append(_commit(hooked, home, count, pause_s))
                _wait_for_flusher(home)
        made = plan.rounds * (plan.paced + plan.tight + plan.apart)
        if (kept := _waiting(home)) != (0 if delivers else made):
            raise Failed(f"{state}: {kept} of {made} commits wait in the outbox")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        *_of(f"{state}, paced", paced, ADDED_AIM),
        *_of(f"{state}, tight loop", tight, None),
        *_of(f"{state}, apart", apart, ADDED_AIM),
    ]


def _of(what: str, times: Times, aim: Aim | None) -> list[Figure]:
    having = {percent: [percentile(x, percent) for x in times.having] for percent in (50, 99)}
    without = {percent: [percentile(x, percent) for x in times.without] for percent in (50, 99)}
    added = [h - w for h, w in zip(having[99], without[99], strict=True)]
    return [
        *(Figure(f"{what}, p{p}", "ms", having[p], without[p]) for p in (50, 99)),
        Figure(f"{what}, p99 added", "ms", added, aim=aim),
    ]


def _commit(repository: Path, home: Home, count: int, pause_s: float) -> list[float]:
    variables = environment(home)
    milliseconds = []
    for _ in range(count):
        began = time.perf_counter()
        done = subprocess.run(
            ["git", "commit", "--allow-empty", "--quiet", "--message", "x"],
            cwd=repository, env=variables, capture_output=True, check=False,
        )  # fmt: skip
        milliseconds.append((time.perf_counter() - began) * 1000)
        if done.returncode or done.stdout or done.stderr:
            raise Failed(f"git commit: {done.returncode}, {done.stdout!r}, {done.stderr!r}")
        time.sleep(pause_s)
    return milliseconds


def _repository(path: Path) -> Path:
    path.mkdir()
    for line in (
        ["init", "--quiet"], ["config", "gc.auto", "0"],
        ["config", "user.name", "Bench"], ["config", "user.email", "bench@example.com"],
    ):  # fmt: skip
        subprocess.run(["git", *line], cwd=path, check=True)
    return path


def _wait_for_flusher(home: Home) -> None:
    """Until what the hooks noted was taken and the flusher has ended: it shares our cores."""
    outbox = home.outbox
    wait_for(
        lambda: not ((outbox / "noted").exists() or (outbox / "flusher.pid").exists()),
        _FLUSHED_S, "the flusher",
    )  # fmt: skip


def _waiting(home: Home) -> int:
    try:
        return (home.outbox / "commits.jsonl").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0
