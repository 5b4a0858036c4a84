"""GitHub's Copilot reports in every form in which they were seen, from a server on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from agent_analytics_collector.connectors.github_copilot import (
    API_VERSION,
    FIRST_DAY,
    TRAILING_DAYS,
    Scope,
    fetch,
    first_day,
    last_day,
    open_api,
    read_rows,
)
from agent_analytics_collector.connectors.http import UnexpectedAnswer, VendorRefused
from agent_analytics_collector.connectors.records import CopilotMetrics

from .vendor_server import Question, Reply, VendorServer, replies, vendor_server

DAY = date(2026, 5, 7)
COMPLETION = {
    "feature": "code_completion", "code_generation_activity_count": 20,
    "code_acceptance_activity_count": 5, "loc_suggested_to_add_sum": 40, "loc_added_sum": 8,
}  # fmt: skip
AGENT_EDIT = {
    "feature": "agent_edit", "code_generation_activity_count": 30,
    "code_acceptance_activity_count": 0, "loc_suggested_to_add_sum": 0, "loc_added_sum": 300,
}  # fmt: skip
USER: dict[str, Any] = {
    "day": "2026-05-07", "user_id": 1, "user_login": "octocat", "organization_id": "999",
    "user_initiated_interaction_count": 3, "code_generation_activity_count": 50,
    "code_acceptance_activity_count": 5, "loc_suggested_to_add_sum": 40, "loc_added_sum": 308,
    "used_agent": True, "used_cli": True, "ai_credits_used": 57.864515,
    "totals_by_cli": {"session_count": 2, "token_usage": {
        "prompt_tokens_sum": 3800, "output_tokens_sum": 5000, "avg_tokens_per_request": 4400.0,
    }},
    "totals_by_feature": [COMPLETION, AGENT_EDIT],
    "totals_by_language_feature": [
        {"language": "python", **COMPLETION}, {"language": "python", **AGENT_EDIT},
    ],
    "totals_by_language_model": [], "totals_by_model_feature": [],
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "day": "2026-05-07", "organization_id": "999", "daily_active_users": 150,
    "monthly_active_users": 500, "code_generation_activity_count": 2000,
    "code_acceptance_activity_count": 800, "loc_suggested_to_add_sum": 5000,
    "loc_added_sum": 2000, "pull_requests": {"total_created": 50},
}  # fmt: skip


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


class Github:
    """Answers as GitHub does; `files` by kind of report, one link each."""

    def __init__(self, whole: list[bytes] | None, users: list[bytes] | None) -> None:
        self.files = {"organization-1-day": whole, "enterprise-1-day": whole, "users-1-day": users}
        self.server: VendorServer

    def __call__(self, question: Question) -> Reply:
        *_, kind = question.path.split("/")
        if question.path.startswith("/files/"):
            _, _, report, number = question.path.split("/")
            return Reply(200, (self.files[report] or [])[int(number)])
        files = self.files[kind]
        if files is None:
            return Reply(204)
        links = [f"{self.server.url}/files/{kind}/{n}?sig=s" for n in range(len(files))]
        return Reply(200, {"download_links": links, "report_day": question.query["day"]})


def fetched(
    github: Github, since: date = DAY, until: date = DAY, scope: Scope | None = None
) -> tuple[list[list[CopilotMetrics]], list[Question]]:
    with vendor_server(github) as server, open_api("ghp_0123456789", server.url) as api:
        github.server = server
        return [*fetch(api, scope or Scope("acme"), since, until)], server.asked


def test_a_day_is_the_organisation_and_each_user_with_the_row_as_sent() -> None:
    ((whole, user),), asked = fetched(Github([lines(WHOLE)], [lines(USER)]))
    assert whole == CopilotMetrics(
        day=DAY, developer_id="org:acme", organisation="acme", total_suggestions=2000,
        total_acceptances=800, total_lines_suggested=5000, total_lines_accepted=2000,
        total_active_users=150, payload=WHOLE,
    )  # fmt: skip
    assert (user.developer_id, user.total_suggestions, user.total_acceptances) == ("octocat", 50, 5)
    assert (user.total_lines_suggested, user.total_lines_accepted) == (40, 308)
    assert user.total_active_users is None
    assert user.ai_credits_used == 57.864515
    assert user.payload == USER
    assert msgspec.to_builtins(user.language_breakdown) == [
        {"language": "python", "feature": "code_completion", "suggestions": 20, "acceptances": 5,
         "lines_suggested": 40, "lines_accepted": 8},
        {"language": "python", "feature": "agent_edit", "suggestions": 30, "acceptances": 0,
         "lines_suggested": 0, "lines_accepted": 300},
    ]  # fmt: skip
    envelope, download, *_ = asked
    assert envelope.path == "/orgs/acme/copilot/metrics/reports/organization-1-day"
    assert envelope.query == {"day": "2026-05-07"}
    assert envelope.headers["authorization"] == "Bearer ghp_0123456789"
    assert envelope.headers["x-github-api-version"] == API_VERSION
    assert "authorization" not in download.headers


def test_every_day_is_asked_for_and_a_day_without_report_is_empty() -> None:
    days, asked = fetched(Github(None, [lines(USER)]), DAY, DAY + timedelta(days=2))
    assert [len(day) for day in days] == [1, 1, 1]
    envelopes = [question for question in asked if "day" in question.query]
    assert [question.query["day"][-2:] for question in envelopes] == ["07", "07", "08", "08",
                                                                      "09", "09"]  # fmt: skip
    days, _ = fetched(Github(None, None))
    assert days == [[]]


def test_an_enterprise_has_reports_of_its_own() -> None:
    ((whole, *_),), asked = fetched(
        Github([lines(WHOLE)], [lines(USER)]), scope=Scope("big corp", is_enterprise=True)
    )
    assert whole.developer_id == "org:big corp"
    assert asked[0].path == (
        "/enterprises/big%20corp/copilot/metrics/reports/enterprise-1-day"
    )  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        lines(USER, USER | {"user_login": "hubot"}),
        b"\n" + lines(USER) + b"\r\n\n" + lines(USER | {"user_login": "hubot"}).strip(),
        json.dumps([USER, USER | {"user_login": "hubot"}], indent=2).encode(),
        json.dumps({"day_totals": [USER, USER | {"user_login": "hubot"}]}).encode(),
        lines({"day_totals": [USER]}, {"day_totals": [USER | {"user_login": "hubot"}]}),
    ],
    ids=["lines", "blank lines", "array", "wrapped", "wrapped lines"],
)
def test_lines_arrays_and_wrapped_rows_are_the_same_rows(content: bytes) -> None:
    assert [row["user_login"] for row in read_rows(content)] == ["octocat", "hubot"]
    assert next(read_rows(content)) == USER


def test_one_row_alone_and_an_empty_file_are_rows_too() -> None:
    assert [*read_rows(json.dumps(USER).encode())] == [USER]
    assert [*read_rows(b"")] == []
    assert [*read_rows(b"[]")] == []


def test_a_report_in_several_files_is_one_report() -> None:
    files = [lines(USER), lines(USER | {"user_login": "hubot"})]
    ((*users,),), _ = fetched(Github(None, files))
    assert [user.developer_id for user in users] == ["octocat", "hubot"]


def test_a_row_without_day_is_of_the_reports_day_and_one_without_login_has_its_id() -> None:
    bare = {"user_id": 7, "code_generation_activity_count": 1}
    ((user,),), _ = fetched(Github(None, [lines(bare)]))
    assert (user.day, user.developer_id, user.total_suggestions) == (DAY, "id:7", 1)
    assert user.total_acceptances is None
    assert user.language_breakdown == []


@pytest.mark.parametrize(
    "content",
    [
        lines(USER)[:-20],
        b"<Error>",
        lines({"code_generation_activity_count": 1}),
        lines(USER | {"code_generation_activity_count": "many"}),
        lines({"day_totals": 7}),
        b"7",
    ],
    ids=["cut off", "no JSON", "nobody's", "no number", "no rows", "no row"],
)
def test_a_file_that_is_no_report_gives_nothing_of_its_day(content: bytes) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        fetched(Github([lines(WHOLE)], [content]))
    said = str(raised.value)
    assert "users-1-day?day=2026-05-07" in said
    assert "sig=" not in said
    assert "many" not in said


def test_days_before_the_first_report_and_beyond_a_year_are_not_asked_for() -> None:
    github = Github(None, None)
    days, asked = fetched(github, date(2020, 1, 1), first_day())
    assert (len(days), len(asked)) == (1, 2)
    assert first_day() >= FIRST_DAY
    assert (last_day() - first_day()).days < 365
    assert last_day() == datetime.now(UTC).date() - timedelta(days=1)
    assert TRAILING_DAYS == 28


@pytest.mark.parametrize(
    ("status", "message", "step"),
    [
        (401, "Bad credentials", "make a new one"),
        (403, "Resource not accessible by personal access token", "needs `read:org`"),
        (404, "Not Found", "the name is wrong"),
    ],
)
def test_a_refusal_names_the_scope_or_policy_that_is_missing(
    status: int, message: str, step: str
) -> None:
    refuses: Callable[[Question], Reply] = replies(Reply(status, {"message": message}))
    with (
        vendor_server(refuses) as server,
        open_api("ghp_0123456789", server.url) as api,
        pytest.raises(VendorRefused) as raised,
    ):
        next(fetch(api, Scope("acme"), DAY, DAY))
    assert message in str(raised.value)
    assert step in str(raised.value)
    assert len(server.asked) == 1
