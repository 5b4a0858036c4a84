"""How well commits and lines are given to sessions, on generated histories of known truth."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import home_hasher
from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.history import History, generate
from benchmarks.history.lines_alive import Alive, count_alive
from benchmarks.history.score import TIERS, Score, score
from benchmarks.processes import Failed, collector, command, environment, wait_until_loaded

AGES = (14, 30, 90)
_ALL = Aim(100.0, of="subject", at_least=True)
_MOST = Aim(95.0, of="subject", at_least=True)
_NONE = Aim(0.0, of="subject")
_PRECISION = {"note": _ALL, "tool_call": _ALL, "lines": _MOST}


@dataclass(frozen=True, slots=True)
class Plan:
    seeds: Sequence[int]
    commits: int


PLANS = {
    Size.FULL: Plan((5, 6, 7), 330),
    Size.QUICK: Plan((5,), 330),
    Size.TINY: Plan((5,), 40),
}


@dataclass(slots=True)
class Round:
    """One history, what the marts say of it, and how many of its lines are alive."""

    history: History
    score: Score
    alive: Alive
    """As counted straight from git."""
    told: dict[tuple[str, int], int]
    """As the marts have it."""


def measure(size: Size) -> Measurement:
    """Each round: a history of another seed, imported into a new home as its owner would."""
    plan = PLANS[size]
    rounds = []
    for seed in plan.seeds:
        with tempfile.TemporaryDirectory(prefix="agent-analytics-bench-") as name:
            history = generate(Path(name).resolve(), seed=seed, commits=plan.commits)
            rounds.append(_round(history))
    commits = sum(len(each.history.commits) for each in rounds)
    sessions = sum(len(each.history.sessions) for each in rounds)
    return Measurement(
        f"attribution: {len(rounds)} generated histories, {commits} commits, {sessions} sessions",
        "the truth: of lines alive, blame of every file at every state of main",
        _figures([each.score for each in rounds]) + _survival(rounds),
        _notes([each.score for each in rounds]),
    )


def _round(history: History) -> Round:
    with collector() as service:
        home, folder = service.home, str(history.repository)
        _run(home, "import-git", folder, "--timeout", "300")
        _run(home, "import", "--home", str(history.user_home), "--timeout", "300")
        _tell_rewrites(home, history)
        now = datetime.now(UTC)
        _run(home, "survival", folder, "--budget", "3600", "--timeout", "300")
        wait_until_loaded(home)
        _run(home, "transform")
        with duckdb.connect(str(home.current_marts.resolve()), read_only=True) as marts:
            result = score(history, marts, home_hasher(home), schema="main")
            told = survival_of(marts, "main")
    return Round(history, result, count_alive(history, AGES, now), told)


def survival_of(marts: duckdb.DuckDBPyConnection, schema: str) -> dict[tuple[str, int], int]:
    """Lines alive by (commit, age), of what was measured."""
    columns = ", ".join(f"survived_{age}d" for age in AGES)
    rows = marts.execute(f"SELECT commit_hash, {columns} FROM {schema}.fct_git_commits").fetchall()
    return {
        (row[0], age): int(alive)
        for row in rows
        for age, alive in zip(AGES, row[1:], strict=True)
        if alive is not None
    }


def _tell_rewrites(home: Home, history: History) -> None:
    """What the post-rewrite hook notes, and its flusher."""
    home.outbox.mkdir(parents=True, exist_ok=True)
    git_dir = history.repository / ".git"
    with (home.outbox / "noted").open("a") as file:
        for kind, old, new in history.rewrites:
            file.write(f"rewrite\t{kind}\t{old}\t{new}\t{git_dir}\n")
    _run(home, "log-commit", "--queued")


def _run(home: Home, *arguments: str) -> None:
    done = subprocess.run(
        [*command(), *arguments], env=environment(home), cwd=os.sep,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.decode(errors="replace")[-2000:]
        raise Failed(f"agent-analytics {' '.join(arguments)} ended with {done.returncode}: {said}")


def _figures(scores: Sequence[Score]) -> list[Figure]:
    def share(what: str, values: Sequence[float], aim: Aim | None = None) -> Figure:
        return Figure(what, "%", [100 * value for value in values], aim=aim)

    figures = []
    for tier in TIERS:
        tallies = [each.tiers[tier] for each in scores]
        precision = [each.precision for each in tallies]
        figures += [
            share(f"{tier}, commits, precision", precision, _PRECISION.get(tier)),
            share(f"{tier}, commits, recall", [each.recall for each in tallies]),
        ]
        if tier in _PRECISION:
            figures += [
                share(f"{tier}, lines, precision", [each.line_precision for each in tallies]),
                share(f"{tier}, lines, recall", [each.line_recall for each in tallies]),
            ]
    called_human = [float(len(each.called_human)) for each in scores]
    unequal = [float(len(each.missing) + len(each.surplus)) for each in scores]
    return [
        *figures,
        share("pairs of commit and session, precision", [each.link_precision for each in scores]),
        share("lines in commits with any tier (coverage)", [each.coverage for each in scores]),
        Figure("commits without evidence called a person's", "", called_human, aim=_NONE),
        Figure("commits missing or too many", "", unequal, aim=_NONE),
    ]


def _survival(rounds: Sequence[Round]) -> list[Figure]:
    figures = []
    for age in AGES:
        ours = [sum(n for (_, at), n in each.told.items() if at == age) for each in rounds]
        git = [sum(n for (_, at), n in each.alive.by_blame.items() if at == age) for each in rounds]
        figures.append(
            Figure(f"lines alive after {age} days", "", list(map(float, ours)),
                   list(map(float, git)))
        )  # fmt: skip
    different = [
        float(
            sum(
                each.told.get(key) != each.alive.by_blame.get(key)
                for key in each.told.keys() | each.alive.by_blame.keys()
            )
        )
        for each in rounds
    ]
    figures.append(Figure("commits and ages that differ", "", different, aim=_NONE))
    return figures


def _notes(scores: Sequence[Score]) -> list[str]:
    """What was wrong and what was missed, by the story that a commit was made in."""
    wrong = Counter((tier, story) for each in scores for tier, story, _ in each.wrong)
    missed = Counter((tier, story) for each in scores for tier, story, _ in each.missed)
    predicted: Counter[str] = sum((each.predicted for each in scores), Counter())
    counted = ", ".join(f"{tier} {count}" for tier, count in sorted(predicted.items()))
    return [
        f"commits by tier: {counted}",
        *(f"wrong by {tier}: {story}, {n}" for (tier, story), n in sorted(wrong.items())),
        *(f"missed, evidence {tier}: {story}, {n}" for (tier, story), n in sorted(missed.items())),
    ]
