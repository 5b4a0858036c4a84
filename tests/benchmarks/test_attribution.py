"""On a small generated history the evidence tiers are as precise as we say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks.attribution import AGES, survival_of
from benchmarks.history import History, generate
from benchmarks.history.lines_alive import Alive, count_alive
from benchmarks.history.score import Score, score

from tests.benchmarks.history_loading import tellings
from tests.dbt.warehouse import HASHER, Warehouse, problems

pytestmark = pytest.mark.slow

MARTS = ("+fct_git_commits", "+fct_commit_sessions", "+fct_attributed_lines")


@dataclass(frozen=True, slots=True)
class Scored:
    history: History
    score: Score
    told: dict[tuple[str, int], int]
    alive: Alive


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    folder = tmp_path_factory.mktemp("history").resolve()
    now = datetime.now(UTC)
    history = generate(folder, seed=6, commits=75, until=now)
    warehouse = Warehouse(folder / "home of the collector")
    warehouse.load(tellings(history, now))
    built = warehouse.dbt(
        "build", "--exclude-resource-type", "unit_test", "test", "--select", *MARTS
    )
    assert built.success, problems(built)
    with warehouse.open() as connection:
        result = score(history, connection, HASHER)
        told = survival_of(connection, "marts")
    return Scored(history, result, told, count_alive(history, AGES, now))


def test_the_history_has_evidence_of_every_kind(scored: Scored) -> None:
    assert len(scored.history.commits) >= 75
    evidence = {scored.history.evidence(each) for each in scored.history.commits.values()}
    assert evidence >= {"note", "tool_call", "lines", "marker", "person"}


def test_every_commit_is_there_and_no_other(scored: Scored) -> None:
    assert (scored.score.missing, scored.score.surplus) == ([], [])


@pytest.mark.parametrize("tier", ["note", "tool_call"])
def test_told_commits_are_their_sessions(scored: Scored, tier: str) -> None:
    tally = scored.score.tiers[tier]
    assert tally.right > 0
    assert (tally.wrong, tally.found) == (0, tally.known)


def test_lines_name_the_right_session(scored: Scored) -> None:
    tally = scored.score.tiers["lines"]
    assert tally.right >= 10
    assert tally.precision >= 0.95, scored.score.wrong
    assert tally.line_precision >= 0.95, scored.score.wrong_lines
    assert tally.recall >= 0.7, scored.score.missed
    assert tally.line_recall >= 0.7, scored.score.missed_lines


def test_formatting_and_undoing_is_no_work_of_the_agents_whose_lines_come_back(
    scored: Scored,
) -> None:
    stories = {"formatter", "revert", "reverted by hand"}
    assert stories <= {each.story for each in scored.history.commits.values()}
    told = [each for each in scored.score.wrong if each[0] != "window" and each[1] in stories]
    assert told == []


def test_a_commit_without_evidence_is_nobodys_not_a_persons(scored: Scored) -> None:
    assert scored.score.predicted["untracked"] > 0
    assert scored.score.called_human == []


def test_what_is_alive_is_what_blame_of_everything_says(scored: Scored) -> None:
    assert len(scored.told) > 60
    assert scored.told == scored.alive.by_blame


def test_blame_agrees_with_who_wrote_the_lines(scored: Scored) -> None:
    blamed, true = (sum(x.values()) for x in (scored.alive.by_blame, scored.alive.by_truth))
    assert blamed == pytest.approx(true, rel=0.01)


def test_the_same_seed_makes_the_same_history(scored: Scored, tmp_path: Path) -> None:
    end = datetime(2026, 11, 22, 18, tzinfo=UTC)
    first, second = (generate(tmp_path / name, seed=3, commits=1, until=end) for name in ("a", "b"))
    assert first.commits.keys() == second.commits.keys()
    assert first.sessions.keys() == second.sessions.keys()
