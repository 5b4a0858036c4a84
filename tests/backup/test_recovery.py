"""Whatever happens to the DuckDB file: loading goes on, and what is lost is said."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_analytics_collector import housekeeping
from agent_analytics_collector.backup.make import make_backup
from agent_analytics_collector.backup.verify import damage_of
from agent_analytics_collector.errors import NotFlushed
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.recovery_state import Recovery, read_recovery

from .sequence import load, send, stored

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def recovery_of(home: Home) -> Recovery:
    recovery = read_recovery(home)
    assert recovery is not None
    assert recovery.finished_at is not None
    return recovery


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The file after an accident."""
    kind = chance.choice(["flip", "flip", "cut", "zero tail", "rubbish", "empty", "zeros"])
    at = chance.randrange(len(content))
    match kind:
        case "flip":
            flipped = bytearray(content)
            flipped[at] ^= 1 << chance.randrange(8)
            return bytes(flipped)
        case "cut":
            return content[:at]
        case "zero tail":
            return content[:at] + bytes(len(content) - at)
        case "rubbish":
            return chance.randbytes(at + 1)
        case "empty":
            return b""
        case _:
            return bytes(len(content))


def killed_while_it_loads(home: Home) -> tuple[bytes, bytes]:
    """The file and its write-ahead log after a kill -9 of a process that had it open."""
    script = """
import os, signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.warehouse.lease import lease
with lease(Home.from_environment().database) as connection:
    connection.execute("INSERT INTO raw_settings SELECT 'n', i, now() FROM range(1000) AS _(i)")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    log = home.data / "agent_analytics.duckdb.wal"
    return home.database.read_bytes(), log.read_bytes()


@pytest.mark.slow
def test_no_accident_to_the_file_stops_loading_or_loses_what_backup_and_spool_have(
    home: Home, tmp_path: Path
) -> None:
    send(home, range(2_000), each=100)
    load(home)
    make_backup(home, Settings(), NOON)
    send(home, range(2_000, 2_100))
    load(home)
    whole, log = killed_while_it_loads(home)
    chance = random.Random(7)
    recovered = found_by_backup = 0
    for _ in range(40):
        (home.run / "recovery.json").unlink(missing_ok=True)
        home.database.write_bytes(damaged(whole, chance))
        wal = home.data / "agent_analytics.duckdb.wal"
        match chance.choice(["none", "whole", "damaged"]):
            case "none":
                wal.unlink(missing_ok=True)
            case "whole":
                wal.write_bytes(log)
            case _:
                wal.write_bytes(damaged(log, chance))
        send(home, range(2_100, 2_110))  # so that loading has work
        load(home)
        if damage_of(home.database) is not None:  # where loading does not look: found once a day
            found_by_backup += 1
            housekeeping._back_up(home, Settings(), NOON.replace(hour=13))
            load(home)
        recovery = read_recovery(home)
        numbers = sorted(set(stored(home.database)))
        assert numbers == list(range(2_110))
        if recovery is not None and recovery.finished_at is not None:
            recovered += 1
            assert recovery.lost == {}
    assert recovered > 20
    assert found_by_backup > 1


def test_without_a_backup_a_damaged_file_is_filled_again_from_the_spool(home: Home) -> None:
    send(home, range(50))
    load(home)
    home.database.write_bytes(os.urandom(20_000))
    send(home, range(50, 60))
    load(home)
    assert stored(home.database) == list(range(60))
    recovery = recovery_of(home)
    assert recovery.lost == {}
    assert recovery.backup is None
    (aside,) = recovery.set_aside
    assert (home.data / aside).stat().st_size == 20_000


def test_without_backup_and_spool_the_loss_is_all_there_was(home: Home) -> None:
    send(home, range(50))
    load(home)
    for segment in home.spool.glob("*.segment"):
        segment.unlink()
    home.database.write_bytes(b"")
    send(home, range(50, 60))
    load(home)
    assert stored(home.database) == list(range(50, 60))
    recovery = recovery_of(home)
    assert recovery.lost == {"logs": 50}
    assert recovery.lost_minutes is None
    assert "lost: 50 logs, of an unknown time" in recovery.summary


def test_a_damaged_backup_is_passed_over_for_an_older_one(home: Home) -> None:
    send(home, range(20))
    load(home)
    make_backup(home, Settings(), NOON)
    send(home, range(20, 30))
    load(home)
    newer = make_backup(home, Settings(), NOON.replace(hour=13))
    newer.database.write_bytes(b"rubbish")
    home.database.write_bytes(b"rubbish")
    send(home, range(30, 40))
    load(home)
    assert stored(home.database) == list(range(40))
    assert recovery_of(home).backup == "20261122T120000Z"


@pytest.mark.parametrize("accident", ["gone", "empty", "cut"])
def test_a_write_ahead_log_that_was_lost_silently_is_noticed(
    home: Home, tmp_path: Path, accident: str
) -> None:
    send(home, range(20))
    load(home)
    before = tmp_path / "before.duckdb"
    shutil.copy(home.database, before)
    send(home, range(20, 50))
    load(home)
    # As after a kill -9 whose log did not reach the disk: the file of before, no or half a log.
    shutil.copy(before, home.database)
    if accident != "gone":
        (home.data / "agent_analytics.duckdb.wal").write_bytes(b"" if accident == "empty" else b"W")
    send(home, range(50, 60))
    load(home)
    assert stored(home.database) == list(range(60))
    recovery = recovery_of(home)
    assert recovery.summary.endswith("nothing was lost")
    assert recovery.gap_from is not None


def test_a_file_of_a_newer_version_is_no_damage(home: Home) -> None:
    with lease(home.database) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'future', now())")
    send(home, range(10))
    with pytest.raises(NotFlushed, match="Upgrade agent-analytics"):
        flush(home, Settings(), 1)
    assert read_recovery(home) is None
    assert list(home.data.glob("*.corrupt.*")) == []
