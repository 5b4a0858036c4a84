"""A person is erased from everywhere, and nobody else is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from agent_analytics_cli.assets import dbt_project
from agent_analytics_collector.access.key_file import read_keys
from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.backup.folder import list_backups
from agent_analytics_collector.backup.make import make_backup
from agent_analytics_collector.backup.verify import problems_of
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.errors import UnknownDeveloper
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.emails import hash_old_emails
from agent_analytics_collector.privacy.erase import Erased, erase, look_up
from agent_analytics_collector.privacy.export import export_subject
from agent_analytics_collector.privacy.pseudonyms import pseudonyms
from agent_analytics_collector.privacy.search import Finding, search
from agent_analytics_collector.privacy.tombstones import reapply_erasures, remember_erasure
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.state import read_loader
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.lease import lease
from tests.cli.published import publish
from tests.privacy.canaries import (
    ADA,
    ADA_PRIVATE,
    BOB,
    SESSION,
    canary,
    envelopes,
    otlp,
    otlp_logs,
    young_commit,
)
from tests.privacy.spooled import spool

OF_ADA = [canary(number) for number in range(1, 51)]
OF_BOB = [canary(number) for number in range(60, 66)]
_PLANTED_IN_REQUESTS = 30


@pytest.fixture
def settings(home: Home) -> Settings:
    return load_settings(home).settings


def plant(home: Home, settings: Settings) -> None:
    """Fifty canaries of Ada's, in all that a home consists of, and some of Bob's.

    All arrived long ago and have hashes for addresses, but for one commit of Bob's.
    """
    spool(home, settings, [*envelopes(), young_commit(BOB, canary(65))])
    flush(home, settings, 60)
    create_key(
        home, settings, developer_id=ADA, organisation="acme", scopes={Scope.INGEST},
        role=Role.DEVELOPER, teams=(), days=30,
    )  # fmt: skip
    rows = {
        "developer_identities.csv": f"identity,developer_id\n{ADA_PRIVATE},{ADA}\nb@b.de,{BOB}\n",
        "teams.csv": f"developer_id,team,note\n{ADA},{canary(30)},x\n{BOB},{canary(63)},x\n",
    }
    for name, text in rows.items():
        (home.seeds / name).write_text(text)
    make_backup(home, settings, datetime.now(UTC) - timedelta(days=1))
    assert hash_old_emails(home, settings, datetime.now(UTC))["raw_git_commits"] >= 3
    with lease(home.database) as connection:
        connection.execute(
            "INSERT INTO raw_fact_archive (kind, record_key, occurred_at, fact, archived_at) "
            "VALUES ('stg_x', uuid(), now(), ?, now())",
            [json.dumps({"developer_id": ADA, "n": canary(31)})],
        )
        connection.execute(
            "INSERT INTO raw_rejected SELECT batch_id, 'logs', 'r', ?, now() FROM raw_otel_logs "
            "LIMIT 1", [json.dumps({"name": canary(32)})],
        )  # fmt: skip
        connection.execute("CREATE SCHEMA marts")
        connection.execute(
            "CREATE TABLE marts.dim_developers AS SELECT ? AS developer_id, ? AS note",
            [ADA, canary(33)],
        )
        connection.execute("CREATE SCHEMA mine")
        connection.execute(
            "CREATE TABLE mine.notes AS SELECT 1 AS n, unnest([?, ?]) AS developer_id", [ADA, BOB]
        )
    for run in ("run-1", "run-2"):
        publish(home, [{"developer_id": ADA, "session_id": canary(34), "model": run}], run=run)
    (home.outbox / "commits.jsonl").write_text(
        json.dumps({"path": "/v1/commits", "body": {"author_email": ADA, "note": canary(35)}})
        + "\n"
        + json.dumps({"path": "/v1/commits", "body": {"author_email": BOB, "note": canary(64)}})
        + "\n"
    )
    (home.outbox / "damaged.jsonl").write_text(canary(36))
    (home.spool / "0000000000000001.torn").write_bytes(canary(37).encode())
    (home.data / "agent_analytics.duckdb.corrupt.1").write_bytes(canary(38).encode())
    (home.data / "agent_analytics.duckdb.wal.corrupt.1").write_bytes(canary(39).encode())
    (home.logs / "crash-1.log").write_text(canary(40))
    (home.logs / "service.log").write_text(f'{{"event":"x","who":"{ADA}"}}\nkept\n')
    target = home.dbt_target
    target.mkdir(parents=True)
    (target / "run_results.json").write_text(canary(41))
    for number in range(42, 51):
        with lease(home.database) as connection:
            connection.execute(
                "INSERT INTO raw_git_line_survival (commit_hash, repository, measured_at) "
                "VALUES (?, ?, now())", ["a" * 40, canary(number)],
            )  # fmt: skip


def found(home: Home, settings: Settings, texts: Iterable[str]) -> dict[str, list[Finding]]:
    """Findings by text."""
    by_text: dict[str, list[Finding]] = {}
    for finding in search(home, settings, list(texts)):
        by_text.setdefault(finding.text, []).append(finding)
    return by_text


@pytest.mark.slow
def test_fifty_canaries_are_found_before_and_none_after(home: Home, settings: Settings) -> None:
    plant(home, settings)
    before = found(home, settings, OF_ADA)
    missing = [text for text in OF_ADA if text not in before]
    assert not missing
    decoded = {finding.place.split(".")[0] for one in before.values() for finding in one}
    assert {"entry", "main", "marts", "bytes"} <= decoded
    bob_before = found(home, settings, OF_BOB)
    assert set(bob_before) == set(OF_BOB)

    erased = erase(home, settings, ADA, dbt_project())

    assert found(home, settings, [*OF_ADA, ADA, ADA_PRIVATE, SESSION, "ada-machine"]) == {}
    assert set(found(home, settings, OF_BOB)) == set(OF_BOB)
    _the_rest_is_whole(home, settings, erased)


def _the_rest_is_whole(home: Home, settings: Settings, erased: Erased) -> None:
    [backup] = list_backups(home, settings)
    assert problems_of(backup) == []
    assert erased.backups >= 1
    assert erased.keys == 1
    assert erased.remains == []
    assert "kept" in (home.logs / "service.log").read_text()
    [key] = read_keys(home)
    assert key.revoked_at is not None
    with lease(home.database) as connection:
        commits = connection.execute(
            "SELECT commit_hash, author_email, developer_id FROM raw_git_commits"
        ).fetchall()
        spans = connection.execute("SELECT count(*) FROM raw_otel_spans").fetchone()
        own = connection.execute("SELECT developer_id FROM mine.notes").fetchall()
    bob = pseudonyms(home).of(BOB)
    assert sorted(commits) == [("b" * 40, bob, bob), ("f" * 40, BOB, BOB)]
    assert spans == (0,)
    assert own == [(BOB,)]
    runs = [path.name for path in home.published.iterdir() if path.is_dir()]
    assert len(set(runs) - {"current"}) == 1
    with duckdb.connect(str(home.current_marts), read_only=True) as marts:
        developers = marts.execute("SELECT developer_id FROM dim_developers").fetchall()
    assert developers == [(BOB,)]
    # The spool alone makes the same file again.
    home.database.unlink()
    home.loader_state.unlink()
    flush(home, settings, 60)
    assert found(home, settings, OF_ADA) == {}
    assert read_loader(home).records["commits"] == 2
    with pytest.raises(UnknownDeveloper):
        look_up(home, settings, ADA)


def test_an_old_copy_that_is_restored_is_erased_again(home: Home, settings: Settings) -> None:
    spool(home, settings, envelopes())
    subject = look_up(home, settings, ADA)
    remember_erasure(home, subject, datetime.now(UTC))
    assert ADA not in home.erasures.read_text()
    assert SESSION not in home.erasures.read_text()
    copy = home.data / "restored.duckdb"
    with lease(home.database) as connection:
        connection.execute("CHECKPOINT")
    copy.write_bytes(home.database.read_bytes())

    assert reapply_erasures(copy, home) > 0
    with duckdb.connect(str(copy), read_only=True) as restored:
        who = restored.execute(
            "SELECT DISTINCT developer_id FROM raw_otel_logs UNION "
            "SELECT author_email FROM raw_git_commits"
        ).fetchall()
    assert who == [(BOB,)]
    assert reapply_erasures(copy, home) == 0


def test_who_comes_back_after_an_erasure_is_not_erased_again(
    home: Home, settings: Settings
) -> None:
    spool(home, settings, envelopes())
    subject = look_up(home, settings, ADA)
    remember_erasure(home, subject, datetime(2020, 1, 1, tzinfo=UTC))
    assert reapply_erasures(home.database, home) == 0
    assert look_up(home, settings, ADA).sessions == {SESSION}


def test_all_names_of_a_person_are_found_from_any(home: Home, settings: Settings) -> None:
    spool(home, settings, envelopes())
    for name in (ADA, ADA_PRIVATE.upper(), "user.id:ada-machine"):
        subject = look_up(home, settings, name)
        assert {ADA, ADA_PRIVATE, "user.id:ada-machine"} <= subject.names
        assert BOB not in subject.names
        assert subject.sessions == {SESSION}
        assert subject.commits == {"a" * 40, "c" * 40, "d" * 40}


def test_a_session_of_two_developers_is_nobodys_alone(home: Home, settings: Settings) -> None:
    both = [
        otlp(Signal.LOGS, otlp_logs({"session.id": "shared", "note": who}), who)
        for who in (ADA, BOB)
    ]
    spool(home, settings, both)
    assert look_up(home, settings, ADA).sessions == frozenset()
    assert BOB not in look_up(home, settings, ADA).names


def test_an_export_has_everything_that_was_planted(
    home: Home, settings: Settings, tmp_path: Path
) -> None:
    spool(home, settings, envelopes())
    subject = look_up(home, settings, ADA)
    folder = tmp_path / "ada"
    exported = export_subject(home, subject, folder)
    json_text = "".join(path.read_text() for path in folder.glob("*.json"))
    csv_text = "".join(path.read_text() for path in folder.glob("*.csv"))
    planted = [canary(number) for number in range(1, _PLANTED_IN_REQUESTS)]
    in_database = [
        finding.text
        for finding in search(home, settings, planted, decoded_only=True)
        if finding.file.endswith(".duckdb")
    ]
    assert in_database
    for text in in_database:
        assert text in json_text
        assert text in csv_text
    for text in OF_BOB:
        assert text not in json_text + csv_text
    assert exported.rows["main.raw_otel_metrics"] == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
