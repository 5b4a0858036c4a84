"""GitHub Copilot usage metrics: reports of one day, of an organisation and of each user in it.

API version 2026-03-10, which replaced `/copilot/metrics` (gone since 2026-04-02). A report is an
envelope of signed links to files of JSON lines; 204 says that there is none for that day. Rows
are given as they are sent: what counts as a suggestion is decided by the warehouse (`agent_edit`
has lines, but never acceptances).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from agent_analytics_collector.connectors.http import Vendor, VendorApi
from agent_analytics_collector.connectors.records import CopilotMetrics, LanguageBreakdown

API_VERSION = "2026-03-10"
TRAILING_DAYS = 28
"""Days that are asked for again, because GitHub corrects them; its own longest report."""
FIRST_DAY = date(2025, 10, 10)
"""There are no reports of earlier days, nor of days more than a year back."""
_MOST_DAYS_BACK = 365

GITHUB = Vendor(
    "GitHub",
    {
        401: "The token is wrong or has expired: make a new one.",
        403: "The token needs `read:org`, or “Organization Copilot metrics: read” (for an "
        "enterprise `read:enterprise` or `manage_billing:copilot`), and the policy “Copilot usage "
        "metrics” must be enabled everywhere.",
        404: "Either the name is wrong, or the token may not see it, or the policy “Copilot usage "
        "metrics” is not enabled everywhere.",
    },
)


class Scope(msgspec.Struct, frozen=True):
    """The organisation or enterprise whose reports are read."""

    name: str
    is_enterprise: bool = False

    def report(self, kind: str) -> str:
        """Path of a report's envelope; `kind` is `users` or `whole`."""
        place, whole = (
            ("enterprises", "enterprise") if self.is_enterprise else ("orgs", "organization")
        )
        report = whole if kind == "whole" else kind
        return f"/{place}/{quote(self.name, safe='')}/copilot/metrics/reports/{report}-1-day"


class _Report(msgspec.Struct, frozen=True):
    download_links: list[str]
    report_day: date | None = None


class _Language(msgspec.Struct, frozen=True):
    language: str | None = None
    feature: str | None = None
    code_generation_activity_count: int | None = None
    code_acceptance_activity_count: int | None = None
    loc_suggested_to_add_sum: int | None = None
    loc_added_sum: int | None = None


class _Row(msgspec.Struct, frozen=True):
    day: date | None = None
    user_login: str | None = None
    user_id: int | str | None = None
    daily_active_users: int | None = None
    code_generation_activity_count: int | None = None
    code_acceptance_activity_count: int | None = None
    loc_suggested_to_add_sum: int | None = None
    loc_added_sum: int | None = None
    ai_credits_used: float | None = None
    totals_by_language_feature: list[_Language] | None = None


def open_api(token: str, base_url: str) -> VendorApi:
    """GitHub's API with that token."""
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": API_VERSION,
    }
    return VendorApi(GITHUB, base_url, headers, token)


def last_day() -> date:
    """The newest day that can have a report: yesterday in UTC."""
    return datetime.now(UTC).date() - timedelta(days=1)


def first_day() -> date:
    """The oldest day of which GitHub still has reports."""
    return max(FIRST_DAY, last_day() - timedelta(days=_MOST_DAYS_BACK - 1))


def fetch(api: VendorApi, scope: Scope, since: date, until: date) -> Iterator[list[CopilotMetrics]]:
    """The records of each day from `since` to `until`, oldest first; empty where it has none.

    Days without reports by their age are left out. Raises VendorUnreachable, VendorRefused,
    UnexpectedAnswer.
    """
    day = max(since, first_day())
    while day <= until:
        yield [record for kind in ("whole", "users") for record in _records(api, scope, kind, day)]
        day += timedelta(days=1)


def _records(api: VendorApi, scope: Scope, kind: str, day: date) -> Iterator[CopilotMetrics]:
    path = scope.report(kind)
    report = api.ask("GET", path, _Report, params={"day": day.isoformat()})
    for link in report.download_links if report else ():
        try:
            for row in read_rows(api.download(link)):
                yield _record(row, scope, kind, day)
        except msgspec.DecodeError as error:
            raise api.unexpected(f"{path}?day={day}", str(error)) from error


def read_rows(content: bytes) -> Iterator[dict[str, Any]]:
    """The rows of a downloaded file: one a line, one JSON array, or wrapped as `day_totals`.

    All three have been seen. Raises msgspec.DecodeError.
    """
    try:
        whole = msgspec.json.decode(content, type=list[dict[str, Any]] | dict[str, Any])
        found = whole if isinstance(whole, list) else [whole]
    except msgspec.DecodeError:
        lines = (line for line in content.splitlines() if line.strip())
        found = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]
    for row in found:
        if "day_totals" in row:
            yield from msgspec.convert(row["day_totals"], list[dict[str, Any]])
        else:
            yield row


def _record(row: dict[str, Any], scope: Scope, kind: str, day: date) -> CopilotMetrics:
    """Raises msgspec.ValidationError."""
    known = msgspec.convert(row, _Row)
    whose = f"org:{scope.name}"
    if kind == "users":
        whose = known.user_login or ("" if known.user_id is None else f"id:{known.user_id}")
        if not whose:
            raise msgspec.ValidationError("a user's row without user_login and user_id")
    return CopilotMetrics(
        day=known.day or day,
        developer_id=whose,
        organisation=scope.name,
        total_suggestions=known.code_generation_activity_count,
        total_acceptances=known.code_acceptance_activity_count,
        total_lines_suggested=known.loc_suggested_to_add_sum,
        total_lines_accepted=known.loc_added_sum,
        total_active_users=known.daily_active_users,
        language_breakdown=[
            LanguageBreakdown(
                language=each.language,
                feature=each.feature,
                suggestions=each.code_generation_activity_count,
                acceptances=each.code_acceptance_activity_count,
                lines_suggested=each.loc_suggested_to_add_sum,
                lines_accepted=each.loc_added_sum,
            )
            for each in known.totals_by_language_feature or ()
        ],
        ai_credits_used=known.ai_credits_used,
        payload=row,
    )
