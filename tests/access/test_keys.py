"""Keys: what is kept of them, who they let in, and what happens when they change or are lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
import time_machine

from agent_analytics_collector.access import authenticate
from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.access.key_file import begin_keys
from agent_analytics_collector.access.key_use import read_key_use
from agent_analytics_collector.access.keys import (
    Key,
    create_key,
    has_keys,
    list_keys,
    revoke_key,
    rotate_key,
)
from agent_analytics_collector.access.principal import (
    INSTALLATION,
    LOCAL,
    Role,
    Scope,
    require,
)
from agent_analytics_collector.errors import (
    BadKey,
    KeysUnusable,
    NoSuchKey,
    NotAllowed,
    Unauthenticated,
)
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import secret_key
from agent_analytics_collector.settings import Settings

TOKEN = "installation-token"
DAY_S = 86_400


def make(home: Home, developer_id: str | None = "ada", **properties: object) -> tuple[str, Key]:
    wanted: dict[str, object] = {"scopes": [Scope.INGEST]} | properties
    return create_key(home, Settings(), developer_id=developer_id, **wanted)  # type: ignore[arg-type]


def is_accepted(authenticator: Authenticator, token: str) -> bool:
    try:
        authenticator.principal({"x-api-key": token}, otlp=True)
    except Unauthenticated:
        return False
    return True


def test_nothing_that_is_kept_lets_anybody_in(home: Home) -> None:
    token, key = make(home)
    assert list_keys(home) == [key]
    for path in home.root.rglob("*"):
        if path.is_file():
            content = path.read_text()
            assert token not in content
            assert token.rpartition(".")[2] not in content
            assert path.stat().st_mode & 0o777 == 0o600, path
    authenticator = Authenticator(home, TOKEN)
    assert not is_accepted(authenticator, key.sha256)
    assert not is_accepted(authenticator, key.key_id)
    assert not is_accepted(authenticator, home.signing_key.read_text().strip())


def test_a_key_says_who_sends_and_what_they_may(home: Home) -> None:
    token, key = create_key(
        home, Settings(organisation="acme"), developer_id="grace", role=Role.LEAD,
        scopes=[Scope.READ, Scope.INGEST], teams=["compilers", "cobol", "compilers"], days=10,
    )  # fmt: skip
    principal = Authenticator(home, TOKEN).principal({"x-api-key": token}, otlp=False)
    assert principal.key_id == key.key_id
    assert principal.developer_id == "grace"
    assert principal.organisation == "acme"
    assert principal.scopes == {Scope.READ, Scope.INGEST}
    assert principal.role is Role.LEAD
    assert principal.teams == ("compilers", "cobol")
    assert principal.expires_at == key.created_at + 10 * DAY_S
    assert principal.is_bound
    require(principal, Scope.READ)
    with pytest.raises(NotAllowed, match="may not admin; it has ingest, read"):
        require(principal, Scope.ADMIN)


def test_without_keys_otlp_is_open_and_the_api_wants_the_installation_s_token(home: Home) -> None:
    authenticator = Authenticator(home, TOKEN)
    assert authenticator.principal({}, otlp=True) is LOCAL
    assert authenticator.principal({"x-api-key": "anything"}, otlp=True) is LOCAL
    for headers in ({"authorization": f"Bearer {TOKEN}"}, {"x-api-key": TOKEN}):
        assert authenticator.principal(headers, otlp=False) is INSTALLATION
    for wrong in ({}, {"x-api-key": TOKEN[:-1]}, {"authorization": f"Basic {TOKEN}"}):
        with pytest.raises(Unauthenticated):
            authenticator.principal(wrong, otlp=False)


def test_the_first_key_closes_otlp_on_a_collector_that_runs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticate, "LOOK_AGAIN_S", 0.0)
    authenticator = Authenticator(home, TOKEN)
    assert authenticator.principal({}, otlp=True) is LOCAL
    assert not has_keys(home)
    token, key = make(home)
    assert has_keys(home)
    with pytest.raises(Unauthenticated, match="keys create"):
        authenticator.principal({}, otlp=True)
    assert authenticator.principal({"x-api-key": token}, otlp=True).key_id == key.key_id
    assert authenticator.principal({"x-api-key": TOKEN}, otlp=True) is INSTALLATION


def test_a_revoked_key_is_refused_within_two_seconds_and_stays_a_key_of_a_team(home: Home) -> None:
    token, key = make(home)
    authenticator = Authenticator(home, TOKEN)
    assert is_accepted(authenticator, token)
    revoke_key(home, key.key_id)
    deadline = time.monotonic() + 2
    while is_accepted(authenticator, token):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(Unauthenticated, match=f"{key.key_id} was revoked"):
        authenticator.principal({"x-api-key": token}, otlp=True)
    with pytest.raises(Unauthenticated):
        authenticator.principal({}, otlp=True)
    assert has_keys(home)
    with pytest.raises(NoSuchKey, match="revoked before"):
        revoke_key(home, key.key_id)
    with pytest.raises(NoSuchKey, match="There is no key"):
        revoke_key(home, "key_000000000000")


def test_a_rotated_key_holds_for_the_overlap_beside_its_successor(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticate, "LOOK_AGAIN_S", 0.0)
    authenticator = Authenticator(home, TOKEN)
    with time_machine.travel("2026-11-22T12:00:00Z") as clock:
        old_token, old = make(home, "grace", role=Role.LEAD, teams=["cobol"], days=30)
        assert is_accepted(authenticator, old_token)
        clock.shift(20 * DAY_S)
        new_token, new = rotate_key(home, old.key_id, overlap_days=3)
        assert (new.developer_id, new.role, new.teams, new.scopes, new.days) == (
            "grace", Role.LEAD, ("cobol",), (Scope.INGEST,), 30,
        )  # fmt: skip
        assert [key.replaced_by for key in list_keys(home)] == [new.key_id, None]
        assert is_accepted(authenticator, old_token)
        assert is_accepted(authenticator, new_token)
        clock.shift(3 * DAY_S + 1)
        assert not is_accepted(authenticator, old_token)
        assert is_accepted(authenticator, new_token)
        clock.shift(26 * DAY_S)
        assert is_accepted(authenticator, new_token)
        clock.shift(DAY_S)
        assert not is_accepted(authenticator, new_token)


def test_an_overlap_never_makes_a_key_hold_longer_than_it_was_made_for(home: Home) -> None:
    _, old = make(home, days=2)
    rotate_key(home, old.key_id, overlap_days=30)
    assert list_keys(home)[0].expires_at == old.expires_at
    with pytest.raises(BadKey):
        rotate_key(home, old.key_id, overlap_days=-1)


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"days": 0}, "lives from 1"),
        ({"days": 3651}, "lives from 1"),
        ({"scopes": []}, "needs a scope"),
        ({"scopes": [Scope.ADMIN]}, "needs the role admin"),
        ({"scopes": [Scope.ADMIN], "role": Role.LEAD, "teams": ["a"]}, "needs the role admin"),
        ({"role": Role.LEAD}, "at least one team"),
        ({"teams": ["a"]}, "lead's key alone"),
        ({"developer_id": ""}, "developer must be"),
        ({"developer_id": " ada"}, "developer must be"),
        ({"developer_id": "ada\nx-role: admin"}, "developer must be"),
        ({"developer_id": "a" * 257}, "developer must be"),
        ({"role": Role.LEAD, "teams": [""]}, "team must be"),
        ({"organisation": "a\0b"}, "organisation must be"),
        ({"developer_id": None, "scopes": [Scope.READ]}, "gateway's key only sends"),
        ({"developer_id": None, "role": Role.ADMIN}, "gateway's key only sends"),
    ],
    ids=str,
)
def test_a_key_that_makes_no_sense_is_not_made(
    home: Home, properties: dict[str, object], problem: str
) -> None:
    with pytest.raises(BadKey, match=problem):
        make(home, **({"developer_id": "ada"} | properties))  # type: ignore[arg-type]
    assert not has_keys(home)


def test_all_keys_of_a_server_are_of_one_organisation(home: Home) -> None:
    _, first = make(home, organisation="acme")
    _, second = make(home)
    assert (first.organisation, second.organisation) == ("acme", "acme")
    with pytest.raises(BadKey, match="acme's"):
        make(home, organisation="umbrella")
    with pytest.raises(BadKey, match="umbrella's"):
        create_key(
            home, Settings(organisation="umbrella"), developer_id="ada", scopes=[Scope.INGEST],
            organisation="acme",
        )  # fmt: skip


def test_a_gateway_s_key_leaves_it_to_its_senders_who_they_are(home: Home) -> None:
    token, _ = make(home, None)
    principal = Authenticator(home, TOKEN).principal({"x-api-key": token}, otlp=True)
    assert not principal.is_bound
    assert principal.scopes == {Scope.INGEST}


def test_whoever_loses_the_file_of_keys_lets_nobody_in_and_everybody_again_once_it_is_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticate, "LOOK_AGAIN_S", 0.0)
    token, _ = make(home)
    authenticator = Authenticator(home, TOKEN)
    assert is_accepted(authenticator, token)
    good = home.keys.read_bytes()
    for broken in (None, b"", b"{", b'{"keys": [{}]}', good[:-30], b"\xff"):
        if broken is None:
            home.keys.unlink()
        else:
            home.keys.write_bytes(broken)
        for headers in ({}, {"x-api-key": token}, {"x-api-key": TOKEN}):
            with pytest.raises(KeysUnusable, match="backup"):
                authenticator.principal(headers, otlp=True)
        home.keys.write_bytes(good)
        assert is_accepted(authenticator, token)


def test_a_collector_that_starts_without_the_file_of_keys_is_not_open_either(home: Home) -> None:
    token, _ = make(home)
    home.keys.unlink()
    for otlp in (False, True):
        for headers in ({}, {"x-api-key": token}, {"x-api-key": TOKEN}):
            with pytest.raises(KeysUnusable, match="it is gone"):
                Authenticator(home, TOKEN).principal(headers, otlp=otlp)
    with pytest.raises(KeysUnusable, match="it is gone"):
        has_keys(home)


def test_a_home_in_which_making_the_first_key_was_cut_short_is_not_shut(home: Home) -> None:
    begin_keys(home)
    secret_key(home, home.signing_key)
    assert not has_keys(home)
    assert Authenticator(home, TOKEN).principal({}, otlp=True) is LOCAL


def test_an_emptied_file_of_keys_does_not_open_a_collector_that_runs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticate, "LOOK_AGAIN_S", 0.0)
    make(home)
    authenticator = Authenticator(home, TOKEN)
    with pytest.raises(Unauthenticated):
        authenticator.principal({}, otlp=True)
    home.keys.write_text('{"keys": []}')
    with pytest.raises(Unauthenticated):
        authenticator.principal({}, otlp=True)


@pytest.mark.parametrize("lost", ["signing.key", "installation.id"])
def test_what_keys_are_checked_with_is_never_made_anew_in_silence(home: Home, lost: str) -> None:
    token, _ = make(home)
    (home.root / lost).unlink()
    with pytest.raises(KeysUnusable, match=lost):
        Authenticator(home, TOKEN).principal({"x-api-key": token}, otlp=True)
    assert not (home.root / lost).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_keys_that_root_makes_are_the_owner_s_to_change(home: Home) -> None:
    os.chown(home.root, 4321, 4321)
    make(home)
    made = [home.keys, home.signing_key, home.installation, home.run / "keys.lock"]
    assert {path.stat().st_uid for path in made} == {4321}


def test_keys_that_processes_make_at_the_same_time_are_all_there(home: Home) -> None:
    script = (
        "from agent_analytics_collector.access.keys import create_key\n"
        "from agent_analytics_collector.access.principal import Scope\n"
        "from agent_analytics_collector.home import Home\n"
        "from agent_analytics_collector.settings import Settings\n"
        "for n in range(10):\n"
        "    print(create_key(Home.from_environment(), Settings(), developer_id='ada',\n"
        "                     scopes=[Scope.INGEST])[0])\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    made = [token for process in processes for token in process.communicate()[0].split()]
    assert len(made) == len(list_keys(home)) == 30
    authenticator = Authenticator(home, TOKEN)
    assert all(is_accepted(authenticator, token) for token in made)


def test_when_a_key_was_used_last_is_known_to_the_minute_and_survives_a_restart(
    home: Home,
) -> None:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as clock:
        noon = int(time.time())
        first_token, first = make(home)
        second_token, second = make(home, "grace")
        authenticator = Authenticator(home, TOKEN)
        assert is_accepted(authenticator, first_token)
        authenticator.save_use()
        assert read_key_use(home) == {first.key_id: noon}
        clock.shift(30)
        assert is_accepted(authenticator, second_token)
        authenticator.save_use()
        assert read_key_use(home) == {first.key_id: noon}  # written less than a minute ago
        authenticator.save_use(at_once=True)
        assert read_key_use(home) == {first.key_id: noon, second.key_id: noon + 30}
        assert home.key_use.stat().st_mode & 0o777 == 0o600
        clock.shift(DAY_S)
        again = Authenticator(home, TOKEN)
        assert is_accepted(again, second_token)
        again.save_use(at_once=True)
    assert read_key_use(home) == {first.key_id: noon, second.key_id: noon + 30 + DAY_S}
