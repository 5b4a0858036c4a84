"""E-mail addresses become hashes when they are old, and people stay one person."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.email_addresses import emails_in, is_of_a_program
from agent_analytics_collector.privacy.emails import hash_old_emails, hashed_after_days
from agent_analytics_collector.privacy.pseudonyms import pseudonyms
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.state import TransformState, read_transform, write_state
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.user_input import write_user_input
from tests.dbt.warehouse import DBT_PROJECT
from tests.privacy.canaries import (
    ADA,
    BOB,
    RECEIVED_NS,
    envelopes,
    otlp,
    otlp_logs,
    young_commit,
)
from tests.privacy.spooled import spool

ARRIVED = datetime.fromtimestamp(RECEIVED_NS / 1e9, UTC)


@pytest.fixture
def settings(home: Home) -> Settings:
    return load_settings(home, {"privacy.hash_emails_after_days": 30}).settings


def texts(home: Home) -> str:
    """All raw rows of telemetry, commits and vendors as text."""
    with lease(home.database) as connection:
        tables = ("raw_otel_logs", "raw_git_commits", "raw_git_attributions", "raw_vendor_usage")
        rows = [connection.execute(f"FROM {table}").fetchall() for table in tables]
    return str(rows)


def identities(home: Home) -> dict[str, str]:
    with lease(home.database) as connection:
        rows = connection.execute(
            "SELECT \"row\" FROM raw_user_overrides WHERE kind = 'developer_identities'"
        ).fetchall()
    return {json.loads(row)["identity"]: json.loads(row)["developer_id"] for (row,) in rows}


def test_addresses_go_after_thirty_days_and_none_earlier(home: Home, settings: Settings) -> None:
    spool(home, settings, envelopes())
    flush(home, settings, 60)
    before = texts(home)
    assert ADA in before
    for early in (timedelta(0), timedelta(days=29, hours=23), timedelta(days=30)):
        assert hash_old_emails(home, settings, ARRIVED + early) == {}
    assert texts(home) == before
    late = ARRIVED + timedelta(days=30, seconds=1)
    changed = hash_old_emails(home, settings, late)
    assert {"raw_otel_logs", "raw_git_commits", "raw_vendor_usage"} <= set(changed)
    after = texts(home)
    assert emails_in([after]) == set()
    assert pseudonyms(home).of(ADA) in after
    assert ADA.encode() not in home.database.read_bytes()
    assert hash_old_emails(home, settings, late) == {}


def test_the_next_transform_makes_everything_anew(home: Home, settings: Settings) -> None:
    spool(home, settings, envelopes())
    flush(home, settings, 60)
    write_state(home.transform_state, TransformState("2026-01-01", shape="as it was"))
    hash_old_emails(home, settings, datetime.now(UTC))
    state = read_transform(home)
    assert state is not None
    assert state.shape is None


def test_a_seed_row_for_an_address_counts_for_its_hash(home: Home, settings: Settings) -> None:
    (home.seeds / "developer_identities.csv").write_text(f"identity,developer_id\n{ADA},ada\n")
    (home.seeds / "teams.csv").write_text(f"developer_id,team\n{BOB.upper()},core\n")
    spool(home, settings, envelopes())
    flush(home, settings, 60)
    assert identities(home) == {ADA: "ada"}
    hash_old_emails(home, settings, datetime.now(UTC))
    with lease(home.database) as connection:
        write_user_input(connection, home, settings)
    hashes = pseudonyms(home)
    assert identities(home) == {
        **dict.fromkeys((ADA, hashes.of(ADA)), "ada"),
        **dict.fromkeys((BOB, hashes.of(BOB)), BOB.upper()),
    }


def test_who_has_old_and_young_rows_stays_one_person_as_long_as_there_are_both(
    home: Home, settings: Settings
) -> None:
    spool(home, settings, [*envelopes(), young_commit(BOB, "young")])
    flush(home, settings, 60)
    now = datetime.now(UTC)
    hash_old_emails(home, settings, now)
    with lease(home.database) as connection:
        write_user_input(connection, home, settings)  # leaves it alone
    assert identities(home) == {pseudonyms(home).of(BOB): BOB}
    hash_old_emails(home, settings, now + timedelta(days=31))
    assert identities(home) == {}
    assert emails_in([texts(home)]) == set()


def test_a_single_user_keeps_addresses_and_a_team_thirty_days(home: Home) -> None:
    alone = load_settings(home).settings
    assert hashed_after_days(home, alone) is None
    assert hash_old_emails(home, alone, datetime.now(UTC)) == {}
    create_key(
        home, alone, developer_id=ADA, organisation="acme", scopes={Scope.INGEST},
        role=Role.DEVELOPER, teams=(), days=30,
    )  # fmt: skip
    assert hashed_after_days(home, alone) == 30
    never = load_settings(home, {"privacy.hash_emails_after_days": 0}).settings
    assert hashed_after_days(home, never) is None


def test_addresses_by_which_agents_are_known_are_never_hashed() -> None:
    path: Path = DBT_PROJECT / "seeds" / "agent_commit_markers.csv"
    with path.open(newline="") as file:
        markers = [row["marker"] for row in csv.DictReader(file) if row["field"] == "email"]
    assert markers
    assert all(map(is_of_a_program, markers))
    assert emails_in([f"<{marker}>" for marker in markers]) == set()
    assert emails_in(["git@github.com:acme/x", "Ada <Ada@Example.com>"]) == {"ada@example.com"}


def test_hashing_leaves_repositories_and_files_what_they_are(
    home: Home, settings: Settings
) -> None:
    """Bitbucket and Azure have the user's name in the URLs that they give to clone."""
    stay = ["src/logo@2x.png", "vendor/left-pad@1.3.0.tgz", "https://[Filtered]@git.acme.com/w"]
    become = {
        "https://ada@bitbucket.org/acme/w.git": "https://git@bitbucket.org/acme/w.git",
        "ada@vs-ssh.visualstudio.com:v3/acme/w": "git@vs-ssh.visualstudio.com:v3/acme/w",
    }
    spool(home, settings, [otlp(Signal.LOGS, otlp_logs({"vcs.repository.url.full": url, "n": path}))
                           for url in become for path in stay])  # fmt: skip
    flush(home, settings, 60)
    hash_old_emails(home, settings, datetime.now(UTC))
    with lease(home.database) as connection:
        rows = connection.execute(
            "SELECT DISTINCT attributes ->> '$.n', "
            "attributes ->> '$.\"vcs.repository.url.full\"' FROM raw_otel_logs"
        ).fetchall()
    assert set(rows) == {(path, url) for path in stay for url in become.values()}
    assert emails_in(stay) == set()


def test_hashes_cannot_be_made_without_the_secret(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.create()
    assert pseudonyms(home).of(ADA) == pseudonyms(home).of(f" {ADA.upper()} ")
    assert pseudonyms(home).of(ADA) != pseudonyms(other).of(ADA)
    assert home.pepper.stat().st_mode & 0o777 == 0o600
