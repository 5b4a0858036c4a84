"""`report weekly`: a week beside the one before, as Markdown and as one HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import click.testing
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from agent_analytics_cli.main import cli
from agent_analytics_cli.weekly.changes import split
from agent_analytics_cli.weekly.markdown import escape
from agent_analytics_cli.weekly.week import Week
from agent_analytics_collector.home import Home

from .two_weeks import HOSTILE, ROWS, publish

WEEK = ("--week", "2026-03-11")
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
FETCHING = {"src", "href", "srcset", "action", "poster", "data", "background", "formaction"}


def weekly(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, ["report", "weekly", *arguments], prog_name="agent-analytics")


def markdown(*arguments: str) -> str:
    result = weekly(*(arguments or WEEK))
    assert result.exit_code == 0, result.output
    return result.stdout


class Page(HTMLParser):
    """What is in a page: its tags with attributes, scripts, styles, cells."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.within: dict[str, list[str]] = {name: [] for name in ("script", "style", "td", "p")}
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.within:
            self.within[tag].append("")
            self._open = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.within[self._open][-1] += data

    def meta(self, name: str) -> str:
        return next(a["content"] or "" for t, a in self.tags if a.get("http-equiv") == name)


@pytest.fixture
def page(home: Home, tmp_path: Path) -> Page:
    publish(home)
    file = tmp_path / "week.html"
    assert weekly(*WEEK, "--output", str(file)).exit_code == 0
    return Page(file.read_text(encoding="utf-8"))


@pytest.fixture
def published(home: Home) -> None:
    publish(home)


@given(DAYS, DAYS)
def test_a_week_begins_on_monday_and_ends_on_sunday_or_today(day: date, today: date) -> None:
    monday = day - timedelta(days=day.weekday())
    if monday > today:
        with pytest.raises(ValueError, match="has not begun"):
            Week.of(day, today)
        return
    week = Week.of(day, today)
    assert week.monday == monday
    assert week.until == min(monday + timedelta(days=6), today)
    assert week.is_running == (today <= monday + timedelta(days=6))
    assert [each + timedelta(days=7) for each in week.before.days] == list(week.days)


def test_without_a_day_it_is_the_last_whole_week_that_has_data() -> None:
    today = date(2026, 3, 18)  # a Wednesday
    assert Week.latest([date(2026, 3, 3), date(2026, 3, 10)], today) == Week.of(
        date(2026, 3, 11), today
    )
    assert Week.latest([date(2026, 3, 17)], today) == Week(
        date(2026, 3, 16), today, is_running=True
    )
    assert Week.latest([date(2026, 2, 3)], today) == Week.of(date(2026, 2, 3), today)
    assert Week.latest([], today).monday == date(2026, 3, 9)


@pytest.mark.usefixtures("published")
def test_the_week_stands_beside_the_one_before() -> None:
    text = markdown()
    assert text.startswith("# AI coding agents, 2026-03-09 to 2026-03-15\n")
    assert "Agents used ≥ $9.50 at list price, after $3.00 in the week before (+217%)." in text
    assert "| cost at list price | ≥ $9.50 | $3.00 | +217% |" in text
    assert "| requests | 37 | 15 | +147% |" in text
    assert "| prompt tokens read from the cache | 75.0% | 75.0% | same |" in text
    assert "| commits | 2 | 0 | new |" in text
    assert "| lines of agents in commits | 50 | — |  |" in text


def test_usage_by_people_whom_nothing_names_is_not_usage_by_nobody(home: Home) -> None:
    known, other = ROWS["fct_agent_costs"][2], ROWS["fct_agent_costs"][0]
    publish(home, {"fct_agent_costs": [{**known, "developer_id": None}, other]})
    text = markdown()
    assert "| developers with agents | — | 1 |  |" in text


@pytest.mark.usefixtures("published")
def test_the_biggest_changes_are_named_with_what_they_are_made_of() -> None:
    text = markdown()
    assert (
        "- acme/app (project) cost ≥ $7.00 more than the week before: +$4.00 by the number of "
        "requests with a price (10 → 30), +$3.00 by the cost of each. Causes with more cost: "
        "cache expired $3.00, retry $0.5000.\n"
    ) in text
    assert "- acme/lib (project) cost $0.5000 less than the week before" in text
    assert text.count(" $7.00 more ") == 1  # its only agent and model tell the same
    assert "| acme/app | project | ≥ $9.00 | $2.00 | ≥ $7.00 |" in text
    assert "| acme/lib | project | $0.5000 | $1.00 | -$0.5000 |" in text


def test_a_change_is_a_bound_where_one_weeks_cost_is(home: Home) -> None:
    now, before, other = (ROWS["fct_agent_costs"][n] for n in (2, 0, 4))
    unpriced = {**before, "cost_usd": None, "cost_source": "unpriced"}
    publish(home, {"fct_agent_costs": [now, before, other, unpriced]})
    text = markdown()
    assert "acme/app (project) cost $7.00 more than the week before, as far as prices are" in text
    assert "| acme/app | project | $9.00 | ≥ $2.00 | ≤ $7.00 |" in text


def test_a_change_between_two_bounds_is_unknown(home: Home) -> None:
    now, before, other = (ROWS["fct_agent_costs"][n] for n in (2, 0, 4))
    unpriced = [{**each, "cost_usd": None, "cost_source": "unpriced"} for each in (now, before)]
    publish(home, {"fct_agent_costs": [now, before, other, *unpriced]})
    text = markdown()
    assert "| acme/app | project | ≥ $9.00 | ≥ $2.00 | — |" in text


def test_what_causes_without_a_price_cost_is_a_bound(home: Home) -> None:
    cause = ROWS["fct_cost_causes"][1]
    unpriced = {**cause, "cause_key": "r2", "request_key": "r2", "cause_cost_usd": None,
                "avoidable_usd": None}  # fmt: skip
    publish(home, {"fct_cost_causes": [cause, unpriced]})
    text = markdown()
    assert "≥ $3.50 of the week's cost could have been avoided." in text
    assert "| cache expired | 2 | ≥ $4.00 | ≥ $3.50 |" in text


@pytest.mark.usefixtures("published")
def test_causes_budgets_and_commits_have_their_tables() -> None:
    text = markdown()
    assert "$3.50 of the week's cost could have been avoided." in text
    assert "| cache expired | 1 | $4.00 | $3.50 |" in text
    assert "| retry | 1 | $0.5000 | — |" in text
    assert "1 of 2 budgets of March 2026 are over or at risk." in text
    assert "| acme/app | 2 | 1 | 100 | 50 | 60.0% |" in text


@pytest.mark.usefixtures("published")
def test_it_says_how_sure_its_numbers_are() -> None:
    text = markdown()
    assert "2 of 37 requests have no known price (\\<script\\>" in text
    assert "For 60.0% of 100 committed lines there is any evidence" in text
    assert "published on 2026-03-16 at 06:00 UTC" in text
    assert "the last request in it is of 2026-03-10 12:00 UTC" in text
    assert "Requests were seen on 1 of the 7 days." in text


def test_marts_without_causes_and_budgets_leave_these_out(home: Home) -> None:
    publish(home)
    import duckdb

    with duckdb.connect(str(home.current_marts)) as marts:
        marts.execute("drop table fct_cost_causes; drop table fct_budget_status")
    text = markdown()
    assert "could have cost less" not in text
    assert "Budgets" not in text
    assert "+$3.00 by the cost of each.\n" in text


def test_a_week_without_anything_says_so_and_divides_by_nothing(home: Home) -> None:
    publish(home, {})
    text = markdown()
    assert "Nothing was recorded in these days." in text
    assert "No commit was recorded" in text
    assert "Requests were seen on 0 of the 7 days." in text
    assert "all 0 requests" not in text
    assert not re.search(r"^## [^\n]+\n+(?=## |\Z)", text, re.MULTILINE)  # no bare heading


def test_a_week_that_runs_is_compared_with_the_same_days(home: Home) -> None:
    today = date.today()
    before = today - timedelta(days=7)
    costs = [
        {**ROWS["fct_agent_costs"][0], "usage_date": str(day)}
        for day in (today, before, before + timedelta(days=1))
    ]
    publish(home, {"fct_agent_costs": costs})
    text = markdown("--week", "today")
    is_sunday = today.weekday() == 6
    assert "The week is not over" in text
    assert ("after $2.00 in the week before" in text) or is_sunday


@pytest.mark.usefixtures("published")
def test_a_name_cannot_break_the_markdown_it_stands_in() -> None:
    text = markdown()
    assert HOSTILE not in text
    assert "\n# heading" not in text
    assert "<script>" not in text.replace("\\<script\\>", "")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} <= {5, 6, 7, 10}


@given(st.text())
def test_escaped_text_has_no_line_break_and_no_cell_border(text: str) -> None:
    escaped = escape(text)
    assert len(escaped.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(\\\\)*[|<>`*]", re.sub(r"\\[|<>`*\\]", "", escaped))


@given(
    st.integers(1, 10**6), st.integers(1, 10**6),
    st.decimals(0, 10**6, places=4), st.decimals(0, 10**6, places=4),
)  # fmt: skip
def test_the_parts_of_a_change_add_up_to_it(
    requests: int, before: int, cost: Decimal, cost_before: Decimal
) -> None:
    row = {"requests": requests, "requests_before": before, "cost_before_usd": cost_before,
           "change_usd": cost - cost_before}  # fmt: skip
    assert abs(sum(split(row)) - (cost - cost_before)) < Decimal("1e-9")


def test_the_page_asks_no_other_host_and_no_other_file(page: Page) -> None:
    fetching = [(tag, name) for tag, attrs in page.tags for name in attrs if name in FETCHING]
    assert fetching == []
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "base", "form"}
    assert not re.search(r"url\(|@import", "".join(page.within["style"]))


def test_the_pages_policy_allows_its_own_two_scripts_and_nothing_else(page: Page) -> None:
    policy = dict(part.split(" ", 1) for part in page.meta("Content-Security-Policy").split("; "))
    assert policy["default-src"] == "'none'"
    assert policy.keys() == {"default-src", "script-src", "style-src", "img-src"}
    texts = [
        text
        for text, (_, attrs) in zip(
            page.within["script"], (tag for tag in page.tags if tag[0] == "script"), strict=True
        )
        if attrs.get("type") != "application/json"
    ]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in texts]
    assert policy["script-src"] == " ".join(f"'sha256-{digest.decode()}'" for digest in digests)
    assert len(digests) == 2
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_tables_hold_what_the_charts_draw_so_it_reads_without_scripts(page: Page) -> None:
    cells = [cell.strip() for cell in page.within["td"]]
    for text in ("2026-03-10", "Claude Code", "$9.00", "cache expired", "$3.50", "acme/app"):
        assert text in cells
    charts = [attrs for _, attrs in page.tags if "data-chart" in attrs]
    data = {attrs["id"] for _, attrs in page.tags if attrs.get("type") == "application/json"}
    assert {attrs["data-chart"] for attrs in charts} == data
    assert len(data) == 3


def test_the_spend_of_each_day_is_drawn_for_the_whole_week(page: Page) -> None:
    (option,) = (
        json.loads(text) for text in page.within["script"] if '"stack":"all"' in text[:2000]
        and text.startswith("{")
    )  # fmt: skip
    assert option["xAxis"]["data"] == [f"2026-03-{day:02}" for day in range(9, 16)]
    drawn = {each["name"]: sum(filter(None, each["data"])) for each in option["series"]}
    assert drawn == {"Claude Code": 9.0, "Codex": 0.5}


def test_a_hostile_name_is_text_in_the_page(page: Page) -> None:
    assert [tag for tag, _ in page.tags].count("script") == 2 + 3
    told = "".join(page.within["p"])
    assert "<script>alert(1)</script> | *bold*" in told
    assert "\\n# heading" in told


@pytest.mark.usefixtures("published")
def test_the_format_is_what_the_file_is_named_for_or_what_is_asked(tmp_path: Path) -> None:
    assert weekly(*WEEK, "--format", "html").stdout.startswith("<!doctype html>")
    file = tmp_path / "week.md"
    assert weekly(*WEEK, "--output", str(file)).stdout == ""
    assert file.read_text(encoding="utf-8") == markdown()
    missing = weekly(*WEEK, "--output", str(tmp_path / "no" / "week.md"))
    assert missing.exit_code == 1
    assert "No such file or directory" in missing.output


@pytest.mark.usefixtures("published")
def test_a_week_to_come_is_refused() -> None:
    result = weekly("--week", "2999-01-01")
    assert result.exit_code == 2
    assert "the week of 2999-01-01 has not begun" in result.output


def test_without_marts_it_says_what_to_do_and_writes_nothing() -> None:
    result = weekly()
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "agent-analytics transform" in result.stderr


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_every_chart_and_complains_of_nothing(
    home: Home, tmp_path: Path, scheme: str
) -> None:
    publish(home)
    file = tmp_path / "week.html"
    assert weekly(*WEEK, "--output", str(file)).exit_code == 0
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "no Chromium is installed"
    done = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1200,900",
         f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
         "--virtual-time-budget=3000", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr, done.stderr
    drawn = Page(done.stdout)
    charts = [attrs for _, attrs in drawn.tags if "data-chart" in attrs]
    assert [attrs.get("data-drawn") for attrs in charts] == ["true"] * 3
    assert [tag for tag, _ in drawn.tags].count("svg") == 3
    inks = re.findall(r'<text[^>]*fill="([^"]+)"', done.stdout)
    assert ("#e6e9ef" in inks) == (scheme == "dark")
