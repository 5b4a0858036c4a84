"""What an erasure leaves to others, what retention left for it, and what a kill interrupts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent_analytics_collector.backup.folder import list_backups
from agent_analytics_collector.backup.make import make_backup
from agent_analytics_collector.backup.verify import problems_of
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.errors import UnknownDeveloper
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy import erase as erase_module
from agent_analytics_collector.privacy.erase import erase, look_up
from agent_analytics_collector.privacy.search import search
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.lease import lease
from tests.privacy.canaries import (
    ADA,
    ADA_PRIVATE,
    BOB,
    SESSION,
    canary,
    envelopes,
    otlp,
    otlp_logs,
)
from tests.privacy.spooled import spool

SHARED = "team@canary.example"


@pytest.fixture
def settings(home: Home) -> Settings:
    return load_settings(home).settings


@pytest.fixture
def _no_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no marts in these homes, so none are made anew."""
    monkeypatch.setattr(erase_module, "transform", lambda *_, **__: None)


def rows(home: Home, query: str) -> Sequence[tuple[object, ...]]:
    with lease(home.database) as connection:
        return connection.execute(query).fetchall()


def of(developer: str, session: str, email: str, note: str, **more: str) -> bytes:
    return otlp_logs(
        {"session.id": session, "user.email": email, "note": note, **more},
        resource={"user.email": email},
    )


@pytest.mark.usefixtures("_no_dbt")
@pytest.mark.parametrize("account", [SHARED, ADA], ids=["the team's", "Ada's"])
def test_an_account_that_several_use_takes_nothing_of_the_others_along(
    home: Home, settings: Settings, account: str
) -> None:
    """Who a record is from says the key or the header; whose account was used says no more."""
    sent = [
        otlp(Signal.LOGS, of(ADA, "s-ada", account, canary(1)), ADA),
        otlp(Signal.LOGS, of(BOB, "s-bob", account, canary(60)), BOB),
        otlp(Signal.LOGS, of(BOB, "s-bob-2", account, canary(61)), BOB),
    ]
    spool(home, settings, sent)
    assert look_up(home, settings, ADA).sessions == {"s-ada"}

    erase(home, settings, ADA, Path())

    assert search(home, settings, [canary(1), ADA]) == []
    query = "SELECT developer_id, session_id FROM raw_otel_logs ORDER BY ALL"
    assert rows(home, query) == [(BOB, "s-bob"), (BOB, "s-bob-2")]
    # The spool says the same.
    home.database.unlink()
    home.loader_state.unlink()
    flush(home, settings, 60)
    assert rows(home, query) == [(BOB, "s-bob"), (BOB, "s-bob-2")]


@pytest.mark.usefixtures("_no_dbt")
def test_sessions_are_known_by_their_facts_when_their_rows_are_gone(
    home: Home, settings: Settings
) -> None:
    flush(home, settings, 60)
    facts = [
        {"developer_id": ADA, "session_id": SESSION, "user_id": "ada-machine"},
        {"session_id": SESSION, "file_path": canary(1)},
        {"developer_id": "user.id:ada-machine", "session_id": SESSION, "user_id": "ada-machine"},
        {"developer_id": BOB, "session_id": "s-bob"},
    ]
    with lease(home.database) as connection:
        for fact in facts:
            connection.execute(
                "INSERT INTO raw_fact_archive "
                "(kind, record_key, occurred_at, fact, archived_at, session_id) "
                "VALUES ('stg_x', uuid(), now(), ?, now(), ?)",
                [json.dumps(fact), fact["session_id"]],
            )
    subject = look_up(home, settings, ADA)
    assert subject.sessions == {SESSION}
    assert "user.id:ada-machine" in subject.names

    erase(home, settings, "user.id:ada-machine", Path())

    left = rows(home, "SELECT session_id, fact ->> '$.developer_id' FROM raw_fact_archive")
    assert left == [("s-bob", BOB)]


class _Killed(BaseException):
    pass


def _dies(*_: object, **__: object) -> None:
    raise _Killed


@pytest.mark.usefixtures("_no_dbt")
@pytest.mark.parametrize(
    ("at", "by"),
    [
        ("erase_entries", ADA),
        ("_remove_older_runs", ADA_PRIVATE),
        ("search", "user.id:ada-machine"),
    ],
)
def test_an_erasure_that_was_cut_off_goes_on_when_it_is_asked_for_again(
    home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch, at: str, by: str
) -> None:
    """By then the DuckDB file no longer tells who it was."""
    spool(home, settings, envelopes())
    log = home.logs / "service.log"
    log.write_text(f"{ADA_PRIVATE} was here")
    with monkeypatch.context() as patch:
        patch.setattr(erase_module, at, _dies)
        with pytest.raises(_Killed):
            erase(home, settings, ADA, Path())
    assert rows(home, "SELECT count(*) FROM raw_git_commits") == [(1,)]

    erase(home, settings, by, Path())

    planted = [canary(number) for number in range(1, 30)]
    assert search(home, settings, [*planted, ADA, ADA_PRIVATE, SESSION]) == []
    assert not home.erasing.exists()
    with pytest.raises(UnknownDeveloper):
        look_up(home, settings, ADA)


@pytest.mark.usefixtures("_no_dbt")
def test_a_damaged_backup_keeps_nobody_from_being_erased(home: Home, settings: Settings) -> None:
    spool(home, settings, envelopes())
    flush(home, settings, 60)
    damaged = make_backup(home, settings, datetime.now(UTC) - timedelta(days=1))
    whole = make_backup(home, settings, datetime.now(UTC))
    with damaged.database.open("r+b") as file:
        file.truncate(5000)

    erase(home, settings, ADA, Path())

    assert [backup.name for backup in list_backups(home, settings)] == [whole.name]
    assert search(home, settings, [ADA, ADA_PRIVATE, canary(1)]) == []


def test_of_two_erasures_that_were_cut_off_each_can_go_on(
    home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool(home, settings, envelopes())
    kill: Callable[..., None] = _dies
    monkeypatch.setattr(erase_module, "erase_entries", kill)
    for name in (ADA, BOB):
        with pytest.raises(_Killed):
            erase(home, settings, name, Path())
    assert look_up(home, settings, ADA_PRIVATE).sessions == {SESSION}
    assert look_up(home, settings, BOB).sessions == {"s-bob"}
    assert home.erasing.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("_no_dbt")
def test_a_name_in_the_configuration_is_told_and_taken_out_of_backups(home: Home) -> None:
    """`init` writes who works here into config.yaml, and a backup copies it."""
    home.config_file.write_text(f"developer_id: {ADA}\nbackup: {{keep: 3}}\n")
    settings = load_settings(home).settings
    spool(home, settings, [otlp(Signal.LOGS, of(ADA, "s-ada", ADA, canary(1)), ADA)])
    backup = make_backup(home, settings, datetime.now(UTC))
    demo = home.demo.root / "logs"
    demo.mkdir(parents=True)
    (demo / "recorded.log").write_text(f"a recording of {ADA}")

    erased = erase(home, settings, ADA, Path())

    assert {one.file for one in erased.remains} == {"config.yaml"}
    assert ADA in home.config_file.read_text()
    copy = (backup.path / "home" / "config.yaml").read_text()
    assert copy == f"developer_id: {'x' * len(ADA)}\nbackup: {{keep: 3}}\n"
    (kept,) = list_backups(home, settings)
    assert problems_of(kept) == []
