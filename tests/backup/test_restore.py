"""A restore keeps its word whatever is in its way, and whatever lies between it and its backup."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_collector import housekeeping
from agent_analytics_collector.backup import folder as folder_module
from agent_analytics_collector.backup.folder import (
    BackupsBusy,
    alone_with_backups,
    find_backup,
    list_backups,
    own_backups,
)
from agent_analytics_collector.backup.make import BackupFailed, make_backup
from agent_analytics_collector.backup.restore import RestoreFailed, rehearsed
from agent_analytics_collector.backup.swap import set_aside
from agent_analytics_collector.errors import NewerSchema, TransformFailed
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import installation_id
from agent_analytics_collector.server_settings import BackupSettings, RetentionSettings
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import (
    TransformState,
    read_housekeeping,
    read_loader,
    read_transform,
    write_state,
)
from agent_analytics_collector.transform import transform
from agent_analytics_collector.warehouse import migrations
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.recovery_state import read_recovery
from agent_analytics_collector.warehouse.retention import apply_retention

from .sequence import load, restore, send, stored

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETTINGS = Settings()


def lose_spool(home: Home) -> None:
    for segment in home.spool.glob("*.segment"):
        segment.unlink()


def lost(home: Home) -> dict[str, int]:
    recovery = read_recovery(home)
    assert recovery is not None
    assert recovery.finished_at is not None
    return recovery.lost


@contextmanager
def no_room_for_more_than(size: int) -> Iterator[None]:
    """No file may grow beyond it: what a full disk does to a copy."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", ["os.link", "os.replace", "swap.sync_folder"])
def test_a_restore_that_is_killed_between_two_steps_leaves_a_file_with_all_there_was(
    home: Home, killed_at: str
) -> None:
    send(home, range(50))
    load(home)
    make_backup(home, SETTINGS, NOON)
    send(home, range(50, 80))
    load(home)
    script = f"""
import os, signal
from agent_analytics_collector.backup import swap
from agent_analytics_collector.backup.folder import find_backup
from agent_analytics_collector.backup.restore import put_in_place, rehearsed
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
home = Home.from_environment()
with rehearsed(home, find_backup(home, Settings(), "latest")) as rehearsal:
    replace = os.replace
    def die(*names):
        if names[-1:] != (home.database,) and {killed_at!r} == "os.replace":
            return replace(*names)
        os.kill(os.getpid(), signal.SIGKILL)
    {killed_at} = die
    put_in_place(home, rehearsal)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert home.database.exists()
    send(home, range(80, 90))
    load(home)
    assert stored(home.database) == list(range(90))
    assert lost(home) == {}
    make_backup(home, SETTINGS, NOON + timedelta(hours=1))
    with rehearsed(home, find_backup(home, SETTINGS, "latest")) as rehearsal:
        assert list(home.data.glob(".restore-*")) == [rehearsal.database.parent]


def test_flush_waits_for_the_rest_also_when_a_loader_wrote_its_old_position_over_the_new(
    home: Home,
) -> None:
    send(home, range(20))
    load(home)
    backup = make_backup(home, SETTINGS, NOON)
    send(home, range(20, 40))
    load(home)
    before = read_loader(home)
    restore(home, backup)
    write_state(home.loader_state, before)  # by a loader that found the file locked meanwhile
    load(home)
    assert stored(home.database) == list(range(40))


def test_what_retention_removed_is_no_loss_and_hides_none(home: Home) -> None:
    send(home, range(100))
    load(home)
    backup = make_backup(home, SETTINGS, NOON)
    forgetful = Settings(retention=RetentionSettings(aggregate_days=1))
    removed = apply_retention(home, forgetful, datetime.now(UTC) + timedelta(days=3))
    assert removed.rows["raw_otel_logs"] == 100
    send(home, range(100, 130))
    load(home)
    lose_spool(home)
    send(home, range(130, 140))
    load(home)
    restore(home, backup)
    load(home)
    assert stored(home.database) == [*range(100), *range(130, 140)]
    assert lost(home) == {"logs": 30}


def test_a_second_restore_before_the_first_was_filled_still_knows_what_there_was(
    home: Home,
) -> None:
    send(home, range(20))
    load(home)
    first = make_backup(home, SETTINGS, NOON)
    send(home, range(20, 40))
    load(home)
    lose_spool(home)
    send(home, range(40, 45))
    load(home)
    restore(home, first)
    restore(home, first)
    load(home)
    assert stored(home.database) == [*range(20), *range(40, 45)]
    assert lost(home) == {"logs": 20}


def test_a_backup_of_another_home_is_followed_by_all_that_this_spool_has(
    home: Home, tmp_path: Path
) -> None:
    shared = Settings(backup=BackupSettings(keep=1, folder=str(tmp_path / "shared")))
    other = Home(tmp_path / "other")
    other.create()
    send(home, range(100, 120))  # received before the other's backup, by another spool
    load(home)
    own = make_backup(home, shared, NOON)
    time.sleep(0.01)
    send(other, range(50))
    load(other)
    backup = make_backup(other, shared, NOON + timedelta(minutes=1))
    assert list_backups(home, shared) == [own, backup], "each home keeps its own one"
    assert own_backups(home, shared) == [own]
    assert find_backup(home, shared, "latest") == own
    assert backup.manifest.position > own.manifest.position
    restore(home, find_backup(home, shared, backup.name))
    load(home)
    assert stored(home.database) == [*range(50), *range(100, 120)]


def test_a_home_moves_to_another_machine_with_its_backup(home: Home, tmp_path: Path) -> None:
    home.line_key.write_text("22" * 32)
    send(home, range(30))
    load(home)
    made = make_backup(home, SETTINGS, NOON)
    moved = Home(tmp_path / "moved")
    moved.create()
    shutil.copytree(made.path, moved.data / "backups" / made.name)
    _, restored = restore(moved, find_backup(moved, SETTINGS, "latest"))
    assert restored.brought_back == ["installation.id", "line.key"]
    assert installation_id(moved) == installation_id(home)
    send(moved, range(30, 40))
    load(moved)
    assert stored(moved.database) == list(range(40))
    assert lost(moved) == {}


def test_what_differs_from_the_backup_and_stays_is_named(home: Home) -> None:
    home.line_key.write_text("22" * 32)
    send(home, range(10))
    load(home)
    make_backup(home, SETTINGS, NOON)
    home.line_key.write_text("33" * 32)
    result = CliRunner().invoke(cli, ["restore", "latest", "--yes"])
    assert result.exit_code == 0
    assert "These differ from the backup's and stay as they are: line.key." in result.stderr
    assert home.line_key.read_text() == "33" * 32


def test_a_backup_without_room_is_refused_and_leaves_nothing(home: Home) -> None:
    send(home, range(10))
    load(home)
    with no_room_for_more_than(100_000), pytest.raises(BackupFailed, match="Make room"):
        make_backup(home, SETTINGS, NOON)
    assert list((home.data / "backups").iterdir()) == []
    assert stored(home.database) == list(range(10))


def test_a_restore_without_room_changes_nothing(home: Home) -> None:
    send(home, range(10))
    load(home)
    backup = make_backup(home, SETTINGS, NOON)
    send(home, range(10, 20))
    load(home)
    with no_room_for_more_than(100_000), pytest.raises(RestoreFailed, match="What was there stays"):
        restore(home, backup)
    assert stored(home.database) == list(range(20))
    assert list(home.data.glob(".restore-*")) == []
    assert read_recovery(home) is None


def test_two_at_the_backups_at_once_wait_for_each_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(home, range(10))
    load(home)
    monkeypatch.setattr(folder_module, "_WAIT_S", 0.2)
    with alone_with_backups(home), pytest.raises(BackupsBusy):
        make_backup(home, SETTINGS, NOON)
    assert make_backup(home, SETTINGS, NOON).name == "20261122T120000Z"


def test_a_file_of_a_newer_version_gives_way_to_a_backup_of_this_one(home: Home) -> None:
    send(home, range(10))
    load(home)
    backup = make_backup(home, SETTINGS, NOON)
    with lease(home.database) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'future', now())")
    with pytest.raises(NewerSchema), lease(home.database):
        pass
    restore(home, backup)
    load(home)
    assert stored(home.database) == list(range(10))


def test_a_backup_of_an_older_schema_is_migrated(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrations.known_migrations()
    with monkeypatch.context() as older:
        older.setattr(migrations, "known_migrations", lambda: every[:9])
        with lease(home.database):
            pass
        backup = make_backup(home, SETTINGS, NOON)
    assert backup.manifest.schema_version == every[8][0]
    send(home, range(10))
    load(home)
    restore(home, backup)
    load(home)
    assert stored(home.database) == list(range(10))
    with lease(home.database) as connection:
        newest = connection.execute("SELECT max(version) FROM schema_migrations").fetchone()
    assert newest == (every[-1][0],)


def test_marts_of_the_restored_file_are_made_anew_and_never_published(home: Home) -> None:
    with lease(home.database) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.fct_old AS SELECT 1 AS n")
        connection.execute(
            "INSERT INTO dbt_runs (run_id, started_at, finished_at, status) "
            "VALUES ('before', now(), now(), 'success')"
        )
    backup = make_backup(home, SETTINGS, NOON)
    write_state(home.transform_state, TransformState("2026-11-22T12:00:00+00:00", shape="now"))
    restore(home, backup)
    send(home, range(10))
    load(home)
    assert not home.current_marts.exists()
    state = read_transform(home)
    assert state is not None
    assert state.shape is None


def test_the_days_steps_are_due_again_and_what_was_set_aside_goes_after_a_month(
    home: Home,
) -> None:
    send(home, range(10))
    load(home)
    now = datetime.now(UTC)
    housekeeping.keep_house(home, SETTINGS, now)
    (backup,) = list_backups(home, SETTINGS)
    restore(home, backup)
    assert read_housekeeping(home) == {}
    assert len(set_aside(home)) == 1
    housekeeping.keep_house(home, SETTINGS, now + timedelta(days=29))
    assert len(set_aside(home)) == 1
    housekeeping.keep_house(home, SETTINGS, now + timedelta(days=31))
    assert set_aside(home) == []


@pytest.mark.slow
def test_a_transform_that_meets_damage_has_the_file_replaced(home: Home, tmp_path: Path) -> None:
    send(home, range(10))
    load(home)
    backup = make_backup(home, SETTINGS, NOON)
    send(home, range(10, 20))
    home.database.write_bytes(b"rubbish")
    (tmp_path / "dbt_project.yml").write_text("name: nothing")
    with pytest.raises(TransformFailed):  # there are no profiles; the file is sound by then
        transform(home, SETTINGS, tmp_path)
    recovery = read_recovery(home)
    assert recovery is not None
    assert recovery.backup == backup.name
    assert stored(home.database) == list(range(20))


def test_status_tells_of_backups_and_recoveries(home: Home) -> None:
    run = CliRunner().invoke
    assert "agent-analytics backup now" in run(cli, ["status"]).stdout
    send(home, range(10))
    load(home)
    backup = make_backup(home, SETTINGS, NOON)
    restore(home, backup)
    load(home)
    facts = json.loads(run(cli, ["status", "--json"]).stdout)
    assert (facts["backups"]["count"], facts["backups"]["newest"]) == (1, backup.name)
    assert facts["recovery"]["summary"].endswith("nothing was lost")
    assert "nothing was lost" in run(cli, ["status"]).stdout
