"""Keys that end soon are told of in time: in the log, in answers, by doctor and in the listing."""

from __future__ import annotations

import time

import structlog
import time_machine

from agent_analytics_cli.doctor.keys import check_key_expiry
from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Status
from agent_analytics_collector.access.expiry import (
    HEADER,
    expiring_keys,
    expiry_header,
    log_expiring_keys,
)
from agent_analytics_collector.access.key_use import KeyUse
from agent_analytics_collector.access.keys import (
    DAY_S,
    Key,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from agent_analytics_collector.access.principal import INSTALLATION, LOCAL, Scope
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings

NOON = "2026-11-22T12:00:00Z"


def make(home: Home, developer_id: str = "ada", days: int = 365) -> tuple[str, Key]:
    return create_key(home, Settings(), developer_id=developer_id, scopes=[Scope.INGEST], days=days)


def use(home: Home, key: Key) -> None:
    kept = KeyUse(home)
    kept.note(key.key_id, time.time())
    kept.save(at_once=True)


def test_a_key_is_told_of_from_thirty_days_before_its_end_until_its_end(home: Home) -> None:
    with time_machine.travel(NOON, tick=False):
        _, key = make(home, days=100)
        made = time.time()
    for days, is_told in ((69.9, False), (70.1, True), (99.9, True), (100, False), (200, False)):
        assert bool(expiring_keys(home, made + days * DAY_S)) is is_told
        with time_machine.travel(made + days * DAY_S, tick=False):
            told = expiry_header(key.principal())
            assert bool(told) is (days > 70)
    assert told == {HEADER: "2027-03-02T12:00:00Z"}
    assert expiry_header(INSTALLATION) == expiry_header(LOCAL) == {}


def test_the_soonest_is_first_and_revoked_keys_are_left_out(home: Home) -> None:
    keys = [make(home, days=days)[1] for days in (20, 10, 400, 5)]
    revoke_key(home, keys[3].key_id)
    assert [key.key_id for key in expiring_keys(home)] == [keys[1].key_id, keys[0].key_id]


def test_a_rotated_key_is_told_of_only_while_somebody_still_uses_it(home: Home) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        _, old = make(home)
        use(home, old)
        clock.shift(DAY_S)
        _, new = rotate_key(home, old.key_id)
        assert expiring_keys(home) == []
        clock.shift(60)
        use(home, old)
        assert [key.key_id for key in expiring_keys(home)] == [old.key_id]
        verdict = check_key_expiry(Situation.of(home))
        assert verdict.next_step is not None
        assert new.key_id in verdict.next_step


def test_the_log_names_the_key_and_never_holds_it(home: Home) -> None:
    token, key = make(home, days=9)
    make(home, "grace")
    with structlog.testing.capture_logs() as logged:
        assert log_expiring_keys(home) == 1
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("key_expires", "warning")
    assert (line["key_id"], line["developer_id"]) == (key.key_id, "ada")
    assert token not in str(line)
    with structlog.testing.capture_logs() as logged:
        assert log_expiring_keys(home, time.time() + 20 * DAY_S) == 0
    assert logged == []


def test_doctor_tells_of_the_server_s_own_keys(home: Home) -> None:
    assert check_key_expiry(Situation.of(home)).detail.startswith("No keys are in use")
    make(home)
    assert check_key_expiry(Situation.of(home)).status is Status.OK
    _, key = make(home, "grace", days=12)
    verdict = check_key_expiry(Situation.of(home))
    assert verdict.status is Status.WARN
    assert verdict.detail == f"Key {key.key_id} of grace ends in 11 days."
    assert verdict.next_step is not None
    assert f"agent-analytics keys rotate {key.key_id}" in verdict.next_step
    make(home, "ada", days=20)
    assert "and 1 more do soon" in check_key_expiry(Situation.of(home)).detail


def test_doctor_tells_of_keys_that_this_machine_sends_with(home: Home) -> None:
    server = Home(home.root.parent / "server")
    server.create()
    token, _ = make(server, days=40)
    headers = home.root / "team.headers"
    for text in (f"x-api-key: {token}\n", f"authorization: Bearer {token}\n"):
        headers.write_text(text)
        home.config_file.write_text(
            "forward:\n- endpoint: https://team.example:4318\n  headers_file: team.headers\n"
        )
        _told_in_time(home, str(headers), token)
    home.config_file.write_text(f"backend_url: https://team.example\napi_key: {token}\n")
    _told_in_time(home, str(home.config_file), token)
    home.config_file.write_text("backend_url: https://team.example\napi_key: no-jwt\n")
    assert check_key_expiry(Situation.of(home)).status is Status.OK


def _told_in_time(home: Home, where: str, token: str) -> None:
    made = list_keys(Home(home.root.parent / "server"))[0].created_at
    for days, status in ((1, Status.OK), (15, Status.WARN), (41, Status.FAIL)):
        with time_machine.travel(made + days * DAY_S, tick=False):
            verdict = check_key_expiry(Situation.of(home))
        assert verdict.status is status
        assert token not in verdict.detail + (verdict.next_step or "")
        if status is not Status.OK:
            assert where in verdict.detail
            assert where in (verdict.next_step or "")
