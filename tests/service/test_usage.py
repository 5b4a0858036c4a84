"""`GET /v1/usage`: the days and hours of any time zone, from quarter hours."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agent_analytics_collector.api.reads import marts as reads
from agent_analytics_collector.api.reads.marts import open_run
from agent_analytics_collector.api.reads.own_questions import own_question
from agent_analytics_collector.api.reads.reader import AT_ONCE, MOST_WAITING, Reader
from agent_analytics_collector.dashboards import bind
from agent_analytics_collector.errors import (
    AskedWrongly,
    MartsUnreadable,
    RunGone,
    TookTooLong,
    TooManyAsk,
)
from agent_analytics_collector.home import Home
from agent_analytics_collector.published_runs import PublishedRun
from agent_analytics_collector.settings import Settings
from tests.dashboards import marts

# Clocks in Berlin go back at 01:00 UTC of this day.
CHANGE = datetime(2026, 10, 25, tzinfo=UTC)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> PublishedRun:
    """A request in each quarter of an hour of three days around the change of the clocks."""
    file = tmp_path_factory.mktemp("run") / "marts.duckdb"
    with duckdb.connect(str(file)) as connection:
        marts.make(connection, 0)
        moment = CHANGE - timedelta(days=1)
        connection.executemany(
            "insert into fct_usage_15min by name select ?::timestamptz as quarter_hour_at, "
            "'codex' as agent, 1 as requests, 'ada' as developer_id",
            [[(moment + timedelta(minutes=15 * n)).isoformat()] for n in range(3 * 96)],
        )
    return PublishedRun(file)


def usage(
    run: PublishedRun, by: str, zone: str, rollover_hour: int = 0, **values: Any
) -> dict[str, int]:
    with open_run(run, zone, rollover_hour) as opened:
        found = opened.ask(own_question(f"usage_by_{by}"), values)
    place = found.columns.index("requests")
    return {row[0].isoformat(): row[place] for row in found.rows}


def test_days_are_those_of_the_zone_also_when_clocks_change(run: PublishedRun) -> None:
    assert usage(run, "day", "UTC") == {
        "2026-10-24": 96, "2026-10-25": 96, "2026-10-26": 96,
    }  # fmt: skip
    berlin = usage(run, "day", "Europe/Berlin")
    assert berlin == {
        "2026-10-24": 96 - 8, "2026-10-25": 100, "2026-10-26": 96, "2026-10-27": 4,
    }  # fmt: skip
    kathmandu = usage(run, "day", "Asia/Kathmandu")  # 5:45 ahead
    assert kathmandu["2026-10-24"] == 96 - 23


def test_an_hour_that_the_clock_repeats_is_two(run: PublishedRun) -> None:
    hours = usage(run, "hour", "Europe/Berlin", since=CHANGE.date(), until=CHANGE.date())
    assert len(hours) == 25
    assert set(hours.values()) == {4}
    assert {"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"} <= hours.keys()
    # Of a zone with half hours each begins at its own.
    assert all(each[14:16] == "00" for each in usage(run, "hour", "Asia/Kolkata"))


def test_a_day_begins_at_the_hour_that_is_set(run: PublishedRun) -> None:
    found = usage(run, "day", "UTC", rollover_hour=4)
    assert found == {
        "2026-10-23": 16, "2026-10-24": 96, "2026-10-25": 96, "2026-10-26": 80,
    }  # fmt: skip


@pytest.mark.parametrize("day", [CHANGE.date(), datetime(2026, 10, 24).date()])
def test_days_asked_for_are_the_days_that_are_answered(run: PublishedRun, day: Any) -> None:
    for zone in ("UTC", "Europe/Berlin", "America/St_Johns"):
        found = usage(run, "day", zone, since=day, until=day)
        assert set(found) == {day.isoformat()}
        assert found[day.isoformat()] == usage(run, "day", zone)[day.isoformat()]


def test_a_question_reaches_the_run_and_nothing_else(run: PublishedRun, tmp_path: Path) -> None:
    other = tmp_path / "secret.csv"
    other.write_text("a,b\n1,2\n")
    for sql in (
        f"select * from '{other}'",
        f"attach '{tmp_path / 'x.duckdb'}'",
        "set memory_limit = '64GB'",
        "create table made (a int)",
        "delete from fct_usage_15min",
        "install httpfs",
    ):
        with pytest.raises(MartsUnreadable), open_run(run) as opened:
            opened.run(sql)


def test_a_question_that_takes_too_long_is_ended(run: PublishedRun) -> None:
    endless = "select sum(a.range * b.range) from range(10000000) a, range(10000000) b"
    with pytest.raises(TookTooLong, match=r"0\.3 seconds"), open_run(run, timeout_s=0.3) as opened:
        opened.run(endless)


def test_questions_do_not_pile_up_behind_long_ones(home: Home) -> None:
    async def ask() -> list[str | BaseException]:
        reader, go_on = Reader(home, Settings()), threading.Event()

        def work() -> str:
            go_on.wait(30)
            return "answer"

        many = [asyncio.create_task(reader.in_thread(work)) for _ in range(AT_ONCE + MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyAsk):
            await reader.in_thread(work)
        go_on.set()
        answered = await asyncio.gather(*many, return_exceptions=True)
        return [*answered, await reader.in_thread(work)]

    assert asyncio.run(ask()) == ["answer"] * (AT_ONCE + MOST_WAITING + 1)


def test_a_question_that_takes_too_much_memory_is_ended(run: PublishedRun) -> None:
    with pytest.raises(TookTooLong, match="memory"), open_run(run) as opened:
        opened.run("select list(range) from range(300000000)")


def test_an_answer_is_bounded(run: PublishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "MOST_ROWS", 10)
    with pytest.raises(AskedWrongly, match="10 rows"), open_run(run) as opened:
        opened.run("select * from fct_usage_15min")


def test_a_run_that_is_gone_is_told_from_one_that_is_broken(tmp_path: Path) -> None:
    gone = PublishedRun(tmp_path / "gone" / "marts.duckdb")
    with pytest.raises(RunGone), open_run(gone):
        pass
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(b"x" * 5000)
    with pytest.raises(MartsUnreadable), open_run(PublishedRun(broken)):
        pass


def test_filters_of_usage_are_those_of_the_views() -> None:
    question = own_question("usage_by_hour")
    sql, values = bind(question, {name: ["x"] for name in ("agent", "model", "team", "project")})
    assert values.keys() == {"agent", "model", "team", "project"}
    assert sql.count("any($") == 4
    assert not question.can_count_people
