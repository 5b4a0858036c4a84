"""`doctor` on what is sent on."""

from __future__ import annotations

import time

import pytest
import yaml

from agent_analytics_cli.commands import status
from agent_analytics_cli.doctor.forward import check_forward
from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Status
from agent_analytics_collector.forward.destination import destinations
from agent_analytics_collector.forward.progress import (
    Dropped,
    Progress,
    write_dropped,
    write_progress,
)
from agent_analytics_collector.home import Home
from agent_analytics_collector.overview import overview
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.spool.reader import end_of_spool

from .test_delivery import logs, otlp, spool_up

HERE = "https://far.example"


@pytest.fixture
def key(home: Home) -> str:
    """Of the one destination, as our files name it."""
    home.config_file.write_text(yaml.safe_dump({"forward": [{"endpoint": HERE}]}))
    home.config_file.chmod(0o600)
    (destination,) = destinations(home, load_settings(home).settings)
    return destination.key


def test_nothing_to_send_on_is_fine(home: Home) -> None:
    assert check_forward(Situation.of(home)).status is Status.OK


def test_what_waits_for_a_collector_that_does_not_run_is_told(home: Home, key: str) -> None:
    spool_up(home, otlp(logs("a")), otlp(logs("b")), records=3)
    verdict = check_forward(Situation.of(home))
    assert (verdict.status, verdict.next_step) == (Status.WARN, "agent-analytics up")
    assert "2 requests with 6 records" in verdict.detail
    position = end_of_spool(home.spool)
    write_progress(
        home, {key: Progress(HERE, *position, delivered=2, last_delivery_at="2026-11-22T10:00Z")}
    )
    verdict = check_forward(Situation.of(home))
    assert verdict.status is Status.OK
    assert verdict.detail == (f"{HERE}: nothing waits, the last delivery was at 2026-11-22T10:00Z.")


def test_a_refused_key_is_a_failure_and_being_offline_is_not(home: Home, key: str) -> None:
    spool_up(home, otlp(logs("a")))
    offline = Progress(HERE, problem="no route to host", problem_since="2026-11-22T10:00Z")
    write_progress(home, {key: offline})
    verdict = check_forward(Situation.of(home))
    assert verdict.status is Status.WARN
    assert "no route to host" in verdict.detail
    assert "by itself" in (verdict.next_step or "")
    blocked = Progress(HERE, problem="401 Unauthorized", problem_since="x", is_blocked=True)
    write_progress(home, {key: blocked})
    verdict = check_forward(Situation.of(home))
    assert verdict.status is Status.FAIL
    assert "401 Unauthorized" in verdict.detail


def test_what_was_dropped_or_refused_is_never_kept_quiet(home: Home, key: str) -> None:
    write_dropped(home, {key: Dropped(2, 1_234, 5_000, "2026-11-22T10:00Z")})
    write_progress(home, {key: Progress(HERE, refused=7, last_refusal="413", rejected=9)})
    verdict = check_forward(Situation.of(home))
    assert verdict.status is Status.WARN
    for said in ("1,234 records were dropped", "7 requests were refused", "9 records were not"):
        assert said in verdict.detail


def test_an_old_backlog_is_worth_a_look_even_while_it_is_tried(
    home: Home, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool_up(home, otlp(logs("a")))
    write_progress(home, {key: Progress(HERE, problem="timed out", problem_since="x")})
    later = time.time() + 3 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    verdict = check_forward(Situation.of(home))
    assert "the oldest for 3 days" in verdict.detail
    assert "reached from here" in (verdict.next_step or "")


def test_status_says_what_waits_and_what_is_in_the_way(
    home: Home, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spool_up(home, otlp(logs("a")), otlp(logs("b")), records=3)
    write_progress(home, {key: Progress(HERE, problem="401", problem_since="2026-11-22T10:00Z")})
    (told,) = overview(home)["forward"]
    assert (told["endpoint"], told["waiting"]["records"], told["problem"]) == (HERE, 6, "401")
    status.command.main([], standalone_mode=False)
    shown = capsys.readouterr().out
    assert f"{HERE}: 6 records in 2 requests wait; since 2026-11-22T10:00Z: 401" in shown
