"""The bootstrap of the agent comparison, on sessions whose truth is known.

The models' own SQL, as dbt compiles it, on tables that are made here: every metric is one draw of
all sessions anew, so that 200 comparisons cost one run.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import fmean
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.dbt.conftest import Compiled

pytestmark = pytest.mark.slow

DRAWS = 200
MODELS = (
    "intermediate.int_comparison_cells",
    "intermediate.int_comparison_replicates",
    "intermediate.int_comparison_pairs",
    "marts.fct_agent_comparison",
)
SIZES = {"small": 1.0, "medium": 3.0, "large": 9.0}
"""What a session costs in the mean, by size of task."""

Session = dict[str, Any]


@contextmanager
def empty_file(threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file in memory under the name by which dbt's SQL knows it."""
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("ATTACH ':memory:' AS agent_analytics")
        connection.execute("CREATE SCHEMA agent_analytics.intermediate")
        connection.execute("CREATE SCHEMA agent_analytics.marts")
        yield connection


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_file() as connection:
        yield connection


def compared(
    connection: duckdb.DuckDBPyConnection, compiled: Compiled, sessions: list[Session]
) -> list[dict[str, Any]]:
    """Rows of fct_agent_comparison of sessions: size, author, agent, metric, cost."""
    names = ("task_size", "developer_id", "agent", "metric")
    keyed = [{"key": f"session {number}", **each} for number, each in enumerate(sessions)]
    connection.register("sessions", pa.Table.from_pylist(keyed))
    connection.execute(
        "CREATE TABLE agent_analytics.intermediate.int_comparable_sessions AS SELECT "
        f"key AS session_key, 'widgets' AS repository, {', '.join(names)}, "
        "CAST(cost * 1000000 AS BIGINT) AS numerator, CAST(1000000 AS BIGINT) AS denominator, "
        f"md5_number(concat_ws('|', {', '.join(names)})) AS cell_key FROM sessions"
    )
    for model in MODELS:
        sql = compiled.whole[model.split(".")[1]]
        connection.execute(f"CREATE TABLE agent_analytics.{model} AS {sql}")
    cursor = connection.execute("SELECT * FROM agent_analytics.marts.fct_agent_comparison")
    columns = [each[0] for each in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def sessions_of(
    chance: random.Random, agent: str, dearer: float, counts: dict[str, int]
) -> list[Session]:
    """For each draw that many sessions of each size by two authors; skewed, as costs are."""
    return [
        {
            "agent": agent,
            "metric": f"draw {draw}",
            "task_size": size,
            "developer_id": author,
            # The mean of this log-normal distribution is 1.
            "cost": dearer * SIZES[size] * chance.lognormvariate(-0.18, 0.6),
        }
        for draw in range(DRAWS)
        for size, count in counts.items()
        for author in ("ada", "grace")
        for _ in range(count)
    ]


def test_intervals_hold_the_truth_about_as_often_as_they_say(
    connection: duckdb.DuckDBPyConnection, compiled: Compiled
) -> None:
    chance = random.Random(20261122)
    counts = {"small": 15, "medium": 15, "large": 15}
    rows = compared(
        connection,
        compiled,
        sessions_of(chance, "codex", 1.3, counts) + sessions_of(chance, "gemini_cli", 1.0, counts),
    )
    mean = fmean(SIZES.values())
    matched = [row for row in rows if row["comparison"] == "matched"]
    assert len(matched) == DRAWS
    truths = {"value": 1.3 * mean, "other_value": mean, "difference": 0.3 * mean}
    for name, truth in truths.items():
        held = sum(row[f"{name}_low"] <= truth <= row[f"{name}_high"] for row in matched)
        assert 0.84 <= held / DRAWS <= 0.95, name
    cells = [row for row in rows if row["comparison"] == "cell"]
    held = sum(
        row["value_low"]
        <= SIZES[row["task_size"]] * (1.3 if row["agent"] == "codex" else 1)
        <= row["value_high"]
        for row in cells
    )
    # Of 15 skewed values a bootstrap holds the mean a little less often.
    assert 0.78 <= held / len(cells) <= 0.95


def test_who_is_given_the_large_tasks_is_not_the_dear_one(
    connection: duckdb.DuckDBPyConnection, compiled: Compiled
) -> None:
    """The plain means differ by far, the matched ones by what chance alone makes."""
    chance = random.Random(7)
    large, small = {"small": 12, "large": 30}, {"small": 30, "large": 12, "medium": 10}
    codex = sessions_of(chance, "codex", 1.0, large)
    gemini = sessions_of(chance, "gemini_cli", 1.0, small)
    assert fmean(each["cost"] for each in codex) > 1.5 * fmean(each["cost"] for each in gemini)
    rows = compared(connection, compiled, codex + gemini)
    matched = [row for row in rows if row["comparison"] == "matched"]
    verdicts = Counter(row["verdict"] for row in matched)
    assert verdicts["no_clear_difference"] >= 0.84 * DRAWS
    assert abs(fmean(row["difference"] for row in matched)) < 0.1
    # The medium tasks that one of them alone had are in no match.
    assert {(row["sessions"], row["other_sessions"]) for row in matched} == {(84, 84)}


def test_blocks_count_by_the_product_over_the_sum_of_their_sessions(
    connection: duckdb.DuckDBPyConnection, compiled: Compiled
) -> None:
    def sessions(agent: str, size: str, *costs: float) -> list[Session]:
        return [
            {"agent": agent, "metric": "cost", "task_size": size, "developer_id": "ada",
             "cost": cost} for cost in costs
        ]  # fmt: skip

    rows = compared(
        connection,
        compiled,
        sessions("codex", "small", 2) + sessions("gemini_cli", "small", 1, 1, 4)
        + sessions("codex", "large", 9, 11) + sessions("gemini_cli", "large", 5),
    )  # fmt: skip
    (matched,) = (row for row in rows if row["comparison"] == "matched")
    small, large = 1 * 3 / (1 + 3), 2 * 1 / (2 + 1)
    assert (matched["sessions"], matched["other_sessions"]) == (3, 4)
    assert matched["value"] == pytest.approx((small * 2 + large * 10) / (small + large), rel=1e-6)
    assert matched["other_value"] == pytest.approx(
        (small * 2 + large * 5) / (small + large), rel=1e-6
    )


def test_a_difference_is_told_and_too_few_sessions_are_not(
    connection: duckdb.DuckDBPyConnection, compiled: Compiled
) -> None:
    chance = random.Random(3)
    rows = compared(
        connection,
        compiled,
        sessions_of(chance, "codex", 3.0, {"small": 10})
        + sessions_of(chance, "copilot_cli", 3.0, {"small": 4})
        + sessions_of(chance, "gemini_cli", 1.0, {"small": 10}),
    )
    matched = [row for row in rows if row["comparison"] == "matched"]
    by_pair = {
        pair: [row for row in matched if (row["agent"], row["other_agent"]) == pair]
        for pair in {(row["agent"], row["other_agent"]) for row in matched}
    }
    assert {row["verdict"] for row in by_pair["codex", "gemini_cli"]} == {"higher"}
    few = by_pair["codex", "copilot_cli"]
    assert {row["verdict"] for row in few} == {"not_enough_data"}
    assert all(row["value"] and row["difference"] for row in few)
    assert all(row["value_low"] is None and row["difference_high"] is None for row in few)
    cells = [row for row in rows if row["comparison"] == "cell"]
    assert {(row["agent"], row["sessions"], row["verdict"]) for row in cells} == {
        ("codex", 10, None), ("gemini_cli", 10, None), ("copilot_cli", 4, "not_enough_data"),
    }  # fmt: skip


def test_a_share_without_spread_is_not_known_to_the_last_digit(
    connection: duckdb.DuckDBPyConnection, compiled: Compiled
) -> None:
    """Ten sessions of ten say little of nineteen in twenty, however many the other agent has."""
    chance = random.Random(11)

    def shares(agent: str, count: int, like: float) -> list[Session]:
        return [
            {"agent": agent, "metric": f"{draw} committed_share", "task_size": "small",
             "developer_id": "ada", "cost": float(chance.random() < like)}
            for draw in range(DRAWS) for _ in range(count)
        ]  # fmt: skip

    rows = compared(
        connection,
        compiled,
        shares("codex", 10, 0.95) + shares("copilot_cli", 100, 0.95) + shares("gemini_cli", 60, 0),
    )
    matched = [row for row in rows if row["comparison"] == "matched"]
    alike = [row for row in matched if row["other_agent"] == "copilot_cli"]
    assert sum(row["value"] == 1 for row in alike) > 0.4 * DRAWS
    verdicts = Counter(row["verdict"] for row in alike)
    assert verdicts["no_clear_difference"] >= 0.9 * DRAWS
    assert all(-1 <= row["difference_low"] <= row["difference_high"] <= 1 for row in matched)
    assert {row["verdict"] for row in matched if row not in alike} == {"higher"}
    cells = [row for row in rows if row["comparison"] == "cell"]
    never = [row for row in cells if row["agent"] == "gemini_cli"]
    assert {(row["value"], row["value_low"], row["value_high"]) for row in never} == {(0, 0, 0.05)}
    always = [row for row in cells if row["agent"] == "codex" and row["value"] == 1]
    assert {(row["value_low"], row["value_high"]) for row in always} == {(0.7, 1)}


def test_replicates_count_sessions_by_poissons_law(
    connection: duckdb.DuckDBPyConnection, compiled: Compiled
) -> None:
    """Each replicate has about as many sessions as there are, with their number as variance."""
    sessions = sessions_of(random.Random(1), "codex", 1.0, {"small": 40})
    compared(connection, compiled, sessions)
    [(replicates, mean, spread, spread_of_means)] = connection.execute(
        "WITH by_cell AS (SELECT avg(sessions) AS mean, list(sessions) AS counts "
        "FROM agent_analytics.intermediate.int_comparison_replicates GROUP BY cell_key), "
        "counts AS (SELECT unnest(counts) AS sessions FROM by_cell) "
        "SELECT count(*), avg(sessions), var_pop(sessions), (SELECT var_pop(mean) FROM by_cell) "
        "FROM counts"
    ).fetchall()
    assert replicates == 200 * 2 * DRAWS
    assert mean == pytest.approx(40, rel=0.01)
    assert spread == pytest.approx(40, rel=0.05)
    # Replicates of one cell are as good as independent of each other.
    assert spread_of_means == pytest.approx(40 / 200, rel=0.3)


def test_the_same_sessions_give_the_same_intervals_in_any_order(
    compiled: Compiled,
) -> None:
    chance = random.Random(5)
    sessions = sessions_of(chance, "codex", 1.0, {"small": 12})[: 24 * 20]
    keyed = [{**each, "key": f"session {n}"} for n, each in enumerate(sessions)]
    answers = []
    for threads in (1, 2):
        with empty_file(threads) as connection:
            answers.append(sorted(map(str, compared(connection, compiled, keyed))))
            chance.shuffle(keyed)
    assert answers[0] == answers[1]
