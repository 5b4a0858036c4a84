"""Backups are whole whenever they are made, and a restore loses nothing that the spool has."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_collector import housekeeping
from agent_analytics_collector.backup.folder import (
    Backup,
    NoSuchBackup,
    find_backup,
    list_backups,
    oldest_needed,
)
from agent_analytics_collector.backup.make import make_backup
from agent_analytics_collector.backup.restore import BadBackup, rehearsed
from agent_analytics_collector.backup.verify import problems_of
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import installation_id
from agent_analytics_collector.server_settings import BackupSettings
from agent_analytics_collector.settings import Settings, SpoolSettings
from agent_analytics_collector.spool.writer import Spool
from agent_analytics_collector.state import read_housekeeping, read_loader
from agent_analytics_collector.warehouse.recovery_state import read_recovery

from .sequence import load, request, restore, send, stored

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == code, result.output
    return result.stdout


def filled(home: Home, numbers: range = range(100)) -> Backup:
    send(home, numbers)
    load(home)
    return make_backup(home, Settings(), NOON)


def test_a_backup_holds_the_file_the_seeds_and_the_keys_for_its_owner_alone(home: Home) -> None:
    (home.seeds / "plans.csv").write_text("plan\n")
    home.line_key.write_text("00" * 32)
    backup = filled(home)
    assert backup.name == "20261122T120000Z"
    assert stored(backup.database) == list(range(100))
    assert backup.manifest.rows["raw_otel_logs"] == 100
    assert set(backup.manifest.digests) == {
        "agent_analytics.duckdb", "home/installation.id", "home/line.key", "home/seeds/plans.csv",
    }  # fmt: skip
    assert backup.path.stat().st_mode & 0o777 == 0o700
    for path in backup.path.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert problems_of(backup) == []
    assert oldest_needed(home) == backup.manifest.position


def test_only_the_newest_are_kept_and_what_a_killed_backup_left_goes(home: Home) -> None:
    send(home, range(10))
    load(home)
    settings = Settings(backup=BackupSettings(keep=3))
    left = home.data / "backups" / f".20261101T000000Z.{installation_id(home)}"
    others = left.with_name(f".20261101T000000Z.{uuid4()}")  # being made of another home
    left.mkdir(parents=True)
    others.mkdir()
    for day in range(5):
        make_backup(home, settings, NOON + timedelta(days=day))
    assert [backup.name[:8] for backup in list_backups(home, settings)] == [
        "20261124", "20261125", "20261126",
    ]  # fmt: skip
    assert not left.exists()
    assert others.exists()


@pytest.mark.parametrize("damage", ["flipped bit", "cut", "missing"])
def test_a_damaged_backup_is_named_and_never_restored(home: Home, damage: str) -> None:
    backup = filled(home)
    content = bytearray(backup.database.read_bytes())
    if damage == "flipped bit":
        content[len(content) // 2] ^= 1
    backup.database.unlink()
    if damage != "missing":
        backup.database.write_bytes(content[: 5000 if damage == "cut" else None])
    assert problems_of(backup)
    with pytest.raises(BadBackup, match=backup.name):
        restore(home, backup)
    assert stored(home.database) == list(range(100))


def test_a_restore_is_followed_by_all_that_came_after_the_backup(home: Home) -> None:
    backup = filled(home)
    send(home, range(100, 150))
    load(home)
    rehearsal, restored = restore(home, backup)
    assert rehearsal.replay.total_records == 50
    assert stored(home.database) == list(range(100))
    (aside,) = restored.recovery.set_aside
    assert stored(home.data / aside) == list(range(150))
    load(home)
    assert stored(home.database) == list(range(150))
    recovery = read_recovery(home)
    assert recovery is not None
    assert recovery.summary == f"the backup {backup.name} was restored; nothing was lost"


def test_a_restore_says_how_many_records_the_spool_no_longer_had(home: Home) -> None:
    backup = filled(home)
    send(home, range(100, 130))
    load(home)
    for segment in home.spool.glob("*.segment"):
        segment.unlink()
    send(home, range(130, 140))
    load(home)
    restore(home, backup)
    load(home)
    assert stored(home.database) == [*range(100), *range(130, 140)]
    recovery = read_recovery(home)
    assert recovery is not None
    assert recovery.lost == {"logs": 30}
    assert recovery.lost_minutes is not None
    assert 0 <= recovery.lost_minutes < 5


def test_a_restore_brings_back_the_keys_and_seeds_that_are_gone_and_leaves_others(
    home: Home,
) -> None:
    home.line_key.write_text("11" * 32)
    (home.seeds / "plans.csv").write_text("plan,usd\n")
    backup = filled(home)
    home.line_key.unlink()
    (home.seeds / "plans.csv").write_text("plan,usd\npro,20\n")
    restore(home, backup)
    assert home.line_key.read_text() == "11" * 32
    assert home.line_key.stat().st_mode & 0o077 == 0
    assert (home.seeds / "plans.csv").read_text() == "plan,usd\npro,20\n"


@pytest.mark.slow
def test_ten_backups_under_load_are_each_a_prefix_of_what_was_committed(home: Home) -> None:
    done = threading.Event()
    sent = [0]

    def keep_sending() -> None:
        async def put() -> None:
            spool = Spool(home.spool, SpoolSettings())
            while not done.is_set():
                await spool.put(request(range(sent[0], sent[0] + 20)), 20)
                sent[0] += 20
                await asyncio.sleep(0.01)
            spool.close()

        asyncio.run(put())

    sender = threading.Thread(target=keep_sending)
    loader = subprocess.Popen(
        [sys.executable, "-m", "agent_analytics_collector.warehouse.loader_process"],
        stdin=subprocess.PIPE,
    )
    assert loader.stdin is not None
    sender.start()
    counts = []
    rows = 0
    try:
        for minute in range(10):
            while (now := read_loader(home).records.get("logs", 0)) == rows:
                assert loader.poll() is None
                time.sleep(0.01)
            rows = now
            make_backup(home, Settings(), NOON + timedelta(minutes=minute))
    finally:
        done.set()
        sender.join()
        loader.stdin.close()
        loader.wait(30)
    for backup in list_backups(home, Settings()):
        assert problems_of(backup) == []
        with rehearsed(home, backup) as rehearsal:
            numbers = stored(rehearsal.database)
            assert numbers == list(range(len(numbers)))
            counts.append(len(numbers))
    assert counts == sorted(set(counts)), "something was loaded between any two"
    restore(home, find_backup(home, Settings(), "latest"))
    load(home)
    assert stored(home.database) == list(range(sent[0]))


def test_the_commands_make_list_check_export_and_restore(home: Home, tmp_path: Path) -> None:
    send(home, range(30))
    load(home)
    made = json.loads(run("backup", "now", "--json"))
    assert json.loads(run("backup", "list", "--json")) == made
    assert json.loads(run("backup", "verify", "--json"))[0]["sound"] is True
    said = json.loads(run("restore", "latest", "--rehearse", "--json"))
    assert (said["restored"], said["replay_records"]) == (False, 0)
    assert json.loads(run("restore", made[0]["name"], "--yes", "--json"))["restored"] is True
    exported = tmp_path / "parquet"
    run("backup", "export", "--to", str(exported))
    (months,) = (exported / "raw_otel_logs").iterdir()
    assert duckdb.sql(f"SELECT count(*) FROM '{months}'").fetchall() == [(30,)]
    assert "no backup 'nothing'" in CliRunner().invoke(cli, ["restore", "nothing"]).stderr
    (backup,) = list_backups(home, Settings())
    backup.database.write_bytes(b"rubbish")
    assert json.loads(run("backup", "verify", "--json", code=1))[0]["sound"] is False


def test_an_unknown_backup_is_refused_and_no_backup_is_said(home: Home) -> None:
    with pytest.raises(NoSuchBackup):
        find_backup(home, Settings(), "latest")
    result = CliRunner().invoke(cli, ["backup", "list"])
    assert "agent-analytics backup now" in result.stderr


def test_the_house_is_kept_once_a_day_and_a_failing_step_hinders_no_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def failing(home: Home, settings: Settings, now: datetime) -> None:
        done.append("failing")
        raise AgentAnalyticsError("the disk is full")

    def working(home: Home, settings: Settings, now: datetime) -> None:
        done.append("working")

    monkeypatch.setattr(housekeeping, "_STEPS", {"a": failing, "b": working})
    settings = Settings(time_zone="Europe/Berlin")
    first = housekeeping.keep_house(home, settings, NOON)
    assert first["a"].problem == "the disk is full"
    housekeeping.keep_house(home, settings, NOON + timedelta(hours=10))
    assert done == ["failing", "working", "failing"]
    housekeeping.keep_house(home, settings, NOON + timedelta(hours=11, minutes=1))  # Berlin's 23rd
    assert done[3:] == ["failing", "working"]


@pytest.mark.slow
def test_the_housekeeping_process_makes_the_first_backup(home: Home) -> None:
    send(home, range(10))
    load(home)
    module = "agent_analytics_collector.housekeeping"
    subprocess.run([sys.executable, "-m", module], check=True)
    (backup,) = list_backups(home, Settings())
    assert stored(backup.database) == list(range(10))
    steps = read_housekeeping(home)
    assert {name: step.problem for name, step in steps.items()} == {
        "backup": None, "emails": None, "retention": None, "set_aside": None, "key_expiry": None,
    }  # fmt: skip
    shutil.rmtree(backup.path)
    subprocess.run([sys.executable, "-m", module], check=True)
    assert list_backups(home, Settings()) == []
