"""`agent-analytics keys`: what it prints, what it asks, and that a key is shown once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli.main import cli
from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.access.key_file import digest
from agent_analytics_collector.access.keys import list_keys
from agent_analytics_collector.access.principal import Principal, Role, Scope
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from tests.cli.terminal import Terminal


def keys(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["keys", *arguments])


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(keys("list", "--json").stdout)
    return found


def sender(home: Home, token: str) -> Principal:
    return Authenticator(home, "installation-token").principal({"x-api-key": token}, otlp=False)


def test_the_key_alone_is_on_stdout_and_the_first_says_what_it_changes(home: Home) -> None:
    first = keys("create", "--developer", "ada@example.com")
    assert first.exit_code == 0
    (token,) = first.stdout.split()
    (made,) = list_keys(home)
    assert made.sha256 == digest(token)
    assert f"{made.key_id} of ada@example.com may ingest and read until" in first.stderr
    assert "the agents on this machine too" in first.stderr
    assert token not in first.stderr
    assert "This is the first key" not in keys("create", "--developer", "grace").stderr
    for shown in (keys("list"), keys("list", "--json"), keys("list", "--csv")):
        assert token not in shown.output
        assert made.sha256 not in shown.output


@pytest.mark.parametrize(
    ("arguments", "scopes", "role", "teams"),
    [
        (["--developer", "ada"], {Scope.INGEST, Scope.READ}, Role.DEVELOPER, ()),
        (["--developer", "ada", "--scope", "ingest"], {Scope.INGEST}, Role.DEVELOPER, ()),
        (["--gateway"], {Scope.INGEST}, Role.DEVELOPER, ()),
        (["--developer", "root", "--role", "admin"], set(Scope), Role.ADMIN, ()),
        (
            ["--developer", "grace", "--role", "lead", "--team", "core", "--team", "web"],
            {Scope.INGEST, Scope.READ}, Role.LEAD, ("core", "web"),
        ),
    ],
)  # fmt: skip
def test_a_key_is_made_as_asked_for(
    home: Home, arguments: list[str], scopes: set[Scope], role: Role, teams: tuple[str, ...]
) -> None:
    answer = keys("create", *arguments, "--days", "30", "--organisation", "acme", "--json")
    told = json.loads(answer.stdout)
    principal = sender(home, told["token"])
    assert (set(principal.scopes), principal.role, principal.teams) == (scopes, role, teams)
    assert principal.organisation == told["organisation"] == "acme"
    assert principal.developer_id == told["developer_id"]
    (key,) = list_keys(home)
    assert key.days == 30
    (row,) = listed()
    assert {name: told[name] for name in row} == row | {"status": "holds"}


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["create"], 2, "--developer, or --gateway"),
        (["create", "--developer", "ada", "--gateway"], 2, "--developer, or --gateway"),
        (["create", "--developer", "ada", "--days", "0"], 2, "--days"),
        (["create", "--developer", "ada", "--role", "boss"], 2, "--role"),
        (["create", "--developer", "ada", "--role", "lead"], 1, "at least one team"),
        (["create", "--developer", "ada", "--scope", "admin"], 1, "needs the role admin"),
        (["create", "--gateway", "--scope", "read"], 1, "only sends"),
        (["revoke", "key_000000000000"], 2, "Add --yes"),
        (["revoke", "key_000000000000", "--yes"], 1, "There is no key"),
        (["rotate", "key_000000000000"], 1, "There is no key"),
        (["rotate", "key_000000000000", "--overlap-days", "91"], 2, "--overlap-days"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_makes_nothing(
    home: Home, arguments: list[str], code: int, problem: str
) -> None:
    refused = keys(*arguments)
    assert refused.exit_code == code
    assert problem in refused.stderr
    assert refused.stdout == ""
    assert not home.keys.exists()


def test_an_empty_listing_says_how_to_begin() -> None:
    empty = keys("list")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "keys create --developer NAME" in empty.stderr
    assert keys("list", "--json").stdout == "[]\n"


def test_a_revoked_key_lets_nobody_in_and_stays_in_the_listing(home: Home) -> None:
    token = keys("create", "--developer", "ada").stdout.strip()
    (key,) = list_keys(home)
    assert keys("revoke", key.key_id, "--yes").stdout == f"Revoked {key.key_id} of ada.\n"
    with pytest.raises(AgentAnalyticsError, match="was revoked"):
        sender(home, token)
    (row,) = listed()
    assert row["status"] == "revoked"
    assert row["revoked_at"] is not None
    again = keys("revoke", key.key_id, "--yes", "--json")
    assert (again.exit_code, again.stdout) == (1, "")


def test_a_person_is_asked_before_a_key_is_revoked(home: Home) -> None:
    keys("create", "--developer", "ada")
    (key,) = list_keys(home)
    with Terminal("keys", "revoke", key.key_id, cwd=home.root) as terminal:
        terminal.answer("lose what they send", "n")
        assert terminal.exit_code() == 130
    assert listed()[0]["status"] == "holds"
    with Terminal("keys", "revoke", key.key_id, cwd=home.root) as terminal:
        terminal.answer("lose what they send", "y")
        assert terminal.exit_code() == 0
    assert listed()[0]["status"] == "revoked"


def test_rotating_prints_a_successor_and_both_hold_meanwhile(home: Home) -> None:
    old_token = keys("create", "--developer", "ada").stdout.strip()
    (old,) = list_keys(home)
    rotated = keys("rotate", old.key_id, "--overlap-days", "3")
    new_token = rotated.stdout.strip()
    assert new_token != old_token
    assert f"Key {old.key_id} holds until" in rotated.stderr
    assert sender(home, old_token).developer_id == sender(home, new_token).developer_id == "ada"
    first, second = listed()
    assert first["replaced_by"] == second["key_id"] == sender(home, new_token).key_id
    # Nobody used the old one since, so nobody has to do anything.
    assert (first["status"], second["status"]) == ("holds", "holds")


def test_a_key_that_ends_soon_is_marked_with_what_to_do(home: Home) -> None:
    keys("create", "--developer", "ada", "--days", "10")
    (key,) = list_keys(home)
    shown = keys("list")
    assert "ends soon" in shown.stdout
    assert f"`agent-analytics keys rotate {key.key_id}`" in shown.stderr


def test_a_broken_file_of_keys_is_said_and_left_as_it_is(home: Home) -> None:
    home.keys.write_text("{")
    for arguments in (["list"], ["create", "--developer", "ada"], ["revoke", "key_1", "--yes"]):
        broken = keys(*arguments)
        assert broken.exit_code == 1
        assert "keys.json cannot be used" in broken.stderr
    assert home.keys.read_text() == "{"
