"""`POST /v1/events`, and that every answer counts what was accepted, known and rejected."""

from __future__ import annotations

from typing import Any

import pytest

from agent_analytics_collector.home import Home
from tests.service.conftest import Start
from tests.service.test_api import RECORD, client, rows

EVENT = RECORD | {"agent": "our_bot", "kind": "request", "payload": {"input_tokens": 12}}
MANY = [EVENT | {"session_id": f"s{number}", "git_branch": "b" * 40} for number in range(1_000)]


def test_an_agent_of_ones_own_is_recorded_once_however_often_it_is_told(
    start: Start, home: Home
) -> None:
    wrong = EVENT | {"kind": "Not A Kind"}
    with client(start(), home) as api:
        first = api.post("/v1/events", json=[EVENT, EVENT, wrong]).json()
        again = api.post("/v1/events", json=EVENT).json()
        elsewhere = api.post("/v1/session-records", json=[EVENT]).json()
        alone = api.post("/v1/events", json=wrong)
    assert counts(first) == (1, 1, 1)
    assert first["problems"][0]["index"] == 2
    assert counts(again) == counts(elsewhere) == (0, 1, 0)
    assert (alone.status_code, alone.json()["rejected"]) == (422, 1)
    stored = "SELECT agent, session_id, kind, payload FROM raw_agent_session_records"
    assert rows(home, stored) == [("our_bot", "s", "request", '{"input_tokens":12}')]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/v1/events", "/v1/session-records"])
def test_a_large_delivery_that_is_told_again_is_known_also_after_a_restart(
    start: Start, home: Home, path: str
) -> None:
    running = start()
    with client(running, home) as api:
        assert counts(api.post(path, json=MANY).json()) == (1_000, 0, 0)
        assert counts(api.post(path, json=MANY).json()) == (0, 1_000, 0)
        assert counts(api.post(path, json=[EVENT]).json()) == (1, 0, 0)
    running.stop()
    with client(start(), home) as api:
        assert counts(api.post(path, json=MANY).json()) == (0, 1_000, 0)
        assert counts(api.post(path, json=[EVENT]).json()) == (0, 1, 0)
        # Who else tells of the same is somebody else.
        header = {"x-developer-id": "jo"}
        assert counts(api.post(path, json=[EVENT], headers=header).json()) == (1, 0, 0)
    assert rows(home, "SELECT count(*) FROM raw_agent_session_records")[0][0] >= 1_001


def counts(answer: dict[str, Any]) -> tuple[int, int, int]:
    return answer["accepted"], answer["duplicate"], answer["rejected"]
