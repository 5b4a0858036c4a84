"""`POST /v1/surveys`: a range of hours, of somebody, and nothing else."""

from __future__ import annotations

from typing import Any

from agent_analytics_collector.home import Home
from tests.service.conftest import RunningService, Start
from tests.service.test_api import client, rows

ANSWER: dict[str, Any] = {
    "survey_id": "33360221-ef17-553e-acb4-8277e85dc5fd", "period_start": "2026-11-16",
    "period_end": "2026-11-22", "hours_saved_low": 2, "hours_saved_high": 4.5, "helped": 4,
    "answered_at": "2026-11-22T15:26:56+01:00",
}  # fmt: skip


def test_an_answer_lands_once_with_who_gave_it(start: Start, home: Home) -> None:
    with client(start(), home, **{"x-developer-id": "ada"}) as api:
        assert api.post("/v1/surveys", json=[ANSWER]).json()["accepted"] == 1
        assert api.post("/v1/surveys", json=ANSWER).json()["duplicate"] == 1
        corrected = ANSWER | {"hours_saved_low": 0, "hours_saved_high": 0}
        del corrected["helped"]
        assert api.post("/v1/surveys", json=corrected).json()["accepted"] == 1
    answers = (
        "SELECT survey_id, developer_id, period_start::VARCHAR, period_end::VARCHAR, "
        "hours_saved_low, hours_saved_high, helped, answered_at::VARCHAR FROM raw_surveys "
        "ORDER BY hours_saved_high DESC"
    )
    whose = (ANSWER["survey_id"], "ada", "2026-11-16", "2026-11-22")
    assert rows(home, answers) == [
        (*whose, 2.0, 4.5, 4, "2026-11-22 14:26:56+00"),
        (*whose, 0.0, 0.0, None, "2026-11-22 14:26:56+00"),
    ]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hours_saved_low": 5}, "hours_saved_low must not be above hours_saved_high"),
    ({"hours_saved_low": -1}, "hours_saved_low: Input should be greater than or equal to 0"),
    ({"hours_saved_high": 169}, "hours_saved_high: Input should be less than or equal to 168"),
    ({"period_end": "2026-11-15"}, "period_end must be within 31 days of period_start"),
    ({"period_end": "2026-12-17"}, "period_end must be within 31 days of period_start"),
    ({"period_start": "1816-11-16"}, "period_start: Value error, must lie between 1970"),
    ({"helped": 6}, "helped: Input should be less than or equal to 5"),
    ({"answered_at": "2026-11-22T15:26:56"}, "answered_at: Input should have timezone info"),
    ({"survey_id": "what I wanted to say"}, "survey_id: Input should be a valid UUID"),
]


def test_what_is_no_range_of_some_days_is_refused(running: RunningService) -> None:
    with client(running, running.home) as api:
        answer = api.post("/v1/surveys", json=[ANSWER | change for change, _ in WRONG])
    assert (answer.status_code, answer.json()["rejected"]) == (422, len(WRONG))
    for problem, (change, expected) in zip(answer.json()["problems"], WRONG, strict=True):
        assert expected in problem["reason"], change


def test_text_that_somebody_adds_is_stored_nowhere(start: Start, home: Home) -> None:
    with client(start(), home) as api:
        assert api.post("/v1/surveys", json=ANSWER | {"comment": "secret"}).status_code == 200
    assert len(rows(home, "FROM raw_surveys")) == 1
    stored = [path for path in home.data.rglob("*") if path.is_file()]
    assert not [path for path in stored if b"secret" in path.read_bytes()]


def test_openapi_describes_surveys_without_any_field_for_text(running: RunningService) -> None:
    with client(running, running.home) as api:
        described = api.get("/openapi.json").json()["paths"]["/v1/surveys"]["post"]
    content = described["requestBody"]["content"]["application/json"]["schema"]["oneOf"][0]
    texts = {
        name: field.get("format")
        for name, field in content["properties"].items()
        if field.get("type") == "string"
    }
    assert texts == {
        "survey_id": "uuid", "period_start": "date", "period_end": "date",
        "answered_at": "date-time",
    }  # fmt: skip
