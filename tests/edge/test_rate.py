"""Windows of a minute, exact at their edges; 429 and Retry-After on the API, budgets on OTLP."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_analytics_cli.outbound.otlp_client import OtlpClient
from agent_analytics_cli.outbound.recordings import RecordedRequest, Recording, Transport
from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import LOCAL, Principal, Role, Scope
from agent_analytics_collector.edge import rate
from agent_analytics_collector.edge.rate import MovingWindow, OtlpBudget, RequestLimit
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.status import OverBudget
from agent_analytics_collector.server_settings import LimitSettings
from agent_analytics_collector.settings import load_settings
from tests.service.conftest import Start
from tests.service.test_otlp_http import PROTOBUF, logs

ADA = Principal("key_ada", "ada", None, frozenset({Scope.INGEST}), Role.DEVELOPER)
BOB = Principal("key_bob", "bob", None, frozenset({Scope.INGEST}), Role.DEVELOPER)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 20), max_size=60), st.integers(1, 8))
def test_no_minute_ever_has_more_than_the_limit_and_retry_after_is_the_soonest(
    steps: list[float], limit: int
) -> None:
    window, now = MovingWindow(limit), 0.0
    passed: list[float] = []
    for step in steps:
        now += step
        wait_s = window.wait_s(1, now)
        recent = [at for at in passed if at > now - 60]
        assert (wait_s == 0) == (len(recent) < limit)
        if wait_s:
            assert wait_s == recent[0] + 60 - now
        else:
            window.take(1, now)
            passed.append(now)


@given(st.lists(st.tuples(st.floats(0, 9), st.integers(1, 400)), max_size=60))
def test_a_budget_is_kept_to_its_grain_and_takes_anything_when_it_is_whole(
    steps: list[tuple[float, int]],
) -> None:
    window, now = MovingWindow(300, grain_s=1.0), 0.0
    passed: list[tuple[float, int]] = []
    for step, amount in steps:
        now += step
        wait_s = window.wait_s(amount, now)
        if wait_s == 0:
            window.take(amount, now)
            passed.append((now, amount))
        within = [taken for at, taken in passed if at > now - 59]
        assert sum(within) <= 300 or len(within) == 1
        if wait_s:
            later = MovingWindow(300, grain_s=1.0)
            for at, taken in passed:
                later.take(taken, at)
            assert later.wait_s(amount, now + wait_s + 0.001) == 0


def test_one_hundred_a_minute_are_one_hundred_and_every_sender_has_its_own() -> None:
    clock = Clock()
    limit = RequestLimit(100, clock)
    verdicts = [limit.ask("key_a") for _ in range(101)]
    assert [verdict.retry_after_s for verdict in verdicts] == [None] * 100 + [60]
    assert dict(verdicts[0].headers)["RateLimit-Remaining"] == "99"
    assert dict(verdicts[-1].headers) == {
        "RateLimit-Limit": "100", "RateLimit-Remaining": "0", "RateLimit-Reset": "60",
    }  # fmt: skip
    assert limit.ask("key_b").retry_after_s is None
    clock.now += 59.9
    assert limit.ask("key_a").retry_after_s == 1
    clock.now += 0.1
    assert limit.ask("key_a").retry_after_s is None
    assert limit.refused == 2


def test_an_attack_from_everywhere_does_not_make_room_for_who_still_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate, "_MOST_SENDERS", 10)
    limit = RequestLimit(20, Clock())
    for number in range(20):
        assert limit.ask("busy").retry_after_s is None
        assert limit.ask(f"address {number}").retry_after_s is None
    assert limit.ask("busy").retry_after_s == 60
    assert dict(limit.ask("address 19").headers)["RateLimit-Remaining"] == "18"
    assert dict(limit.ask("address 0").headers)["RateLimit-Remaining"] == "19", "forgotten"


def test_a_budget_is_of_each_key_and_never_of_this_machine() -> None:
    clock = Clock()
    budget = OtlpBudget(
        LimitSettings(otlp_bytes_per_minute=1000, otlp_records_per_minute=10), clock
    )
    budget.take(ADA, 900, 4)
    with pytest.raises(OverBudget, match="1,000 bytes") as over:
        budget.ask(ADA, 101)
    assert over.value.retry_after_s == 60
    budget.take(ADA, 100, 6)  # what was refused took nothing
    with pytest.raises(OverBudget, match="10 records"):
        budget.take(ADA, 0, 1)
    budget.take(BOB, 5_000_000, 1)  # could never go otherwise
    budget.take(LOCAL, 5_000_000, 5_000)
    budget.take(LOCAL, 5_000_000, 5_000)
    clock.now += 60
    budget.take(ADA, 1000, 10)


def key_of(home: Home, developer: str) -> str:
    token, _ = create_key(
        home, load_settings(home).settings, developer_id=developer, scopes=[Scope.INGEST]
    )
    return token


def test_the_api_says_when_to_come_again_by_key_and_not_by_address(
    start: Start, home: Home
) -> None:
    ada, bob = key_of(home, "ada"), key_of(home, "bob")
    state = start(**{"limits.requests_per_minute": 3}).state
    with httpx.Client(base_url=state.api_url) as api:

        def ask(key: str | None) -> httpx.Response:
            headers = {"x-api-key": key} if key else {}
            return api.post("/v1/commits", json=[], headers=headers)

        assert [ask(ada).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = ask(ada)
        assert refused.headers["content-type"] == "application/problem+json"
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit-remaining"] == "0"
        assert ask(bob).headers["ratelimit-remaining"] == "2"
        assert [ask(None).status_code for _ in range(4)] == [401, 401, 401, 429]
        assert {ask(home.token.read_text().strip()).status_code for _ in range(9)} == {200}
        assert {api.get("/healthz").status_code for _ in range(9)} == {200}


def test_what_is_over_the_otlp_budget_is_kept_by_the_client_and_comes_again(
    start: Start, home: Home, tmp_path: Path
) -> None:
    ada = key_of(home, "ada")
    running = start(**{"limits.otlp_records_per_minute": 3})
    state, body = running.state, tmp_path / "body"
    body.write_bytes(logs(count=2))
    request = RecordedRequest("body", Signal.LOGS, Transport.GRPC)
    headers = PROTOBUF | {"x-api-key": ada}
    url = f"{state.http_url}/v1/logs"
    assert httpx.post(url, content=logs(count=2), headers=headers).status_code == 200
    refused = httpx.post(url, content=logs(count=2), headers=headers)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    with OtlpClient.of(state, ada) as client:
        answer = client.send(Recording("body", body, request), 5)
    assert (answer.problem or "").startswith("UNAVAILABLE: This key's budget of 3 records")
    assert answer.is_retryable
    assert answer.retry_after_s
    assert running.service.receiver.records[Signal.LOGS] == 2
