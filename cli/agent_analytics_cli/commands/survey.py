"""`agent-analytics survey`: how many hours agents saved, asked of who knows it best."""

from __future__ import annotations

import sys
from typing import Any

import rich_click as click

from agent_analytics_cli.day_options import parse_day, user_days
from agent_analytics_cli.money.survey_answer import (
    Period,
    answer_body,
    last_seven_days,
    parse_hours,
    week_of,
)
from agent_analytics_cli.outbound.flusher import TIMEOUT_S, flush_outbox, hooks_log, is_reachable
from agent_analytics_cli.outbound.outbox import SURVEYS, Entry, Outbox
from agent_analytics_cli.output import note
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, load_settings

_QUEUE = "surveys"


class NobodyNamed(AgentAnalyticsError):
    """An answer is somebody's, and nobody is named."""

    def __init__(self, home: Home) -> None:
        super().__init__(
            f"Whose answer is it? developer_id is not set. Put it into {home.config_file}, or let "
            "`agent-analytics init` ask for it."
        )


class AnswerRefused(AgentAnalyticsError):
    """The API will never take this answer."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"{url} does not take the answer, and it is not kept: {reason}. Answer again, or let "
            "both have the same version of agent-analytics."
        )


@click.command(name="survey")
@click.option("--hours", metavar="RANGE", help="Hours saved, as a range such as 2-4, or 0.")
@click.option("--helped", type=click.IntRange(1, 5), help="How well agents helped: 5 very well.")
@click.option("--week", metavar="DAY", help="The week of that day.  [default: the last 7 days]")
@click.option("--yes", is_flag=True, help="Ask nothing; needs --hours.")
def command(hours: str | None, helped: int | None, week: str | None, yes: bool) -> None:
    """Say how many hours agents saved you: the return on cost counts only what people say.

    One or two questions: how many hours in the last seven days, as a range, and if you like how
    well agents helped, from 1 to 5. The numbers, the days and your developer_id are kept, and no
    text. Without a collector the answer waits until one runs. Answer the same days again to correct
    them.

    \b
    Examples:
    $ agent-analytics survey
    $ agent-analytics survey --hours 2-4 --helped 4 --week 2026-11-16 --yes
    """
    home = Home.from_environment()
    settings = load_settings(home).settings
    if not settings.developer_id:
        raise NobodyNamed(home)
    period = _period(home, week)
    asks = sys.stdin.isatty() and not yes
    if hours is None and not asks:
        raise click.UsageError("There is nobody to ask here: give --hours, such as --hours 2-4.")
    saved = _asked_hours(period) if hours is None else _given_hours(hours, period)
    if helped is None and asks:
        helped = _asked_helped()
    home.create()
    body = answer_body(settings.developer_id, period, saved, helped)
    is_taken = _hand_over(home, settings, body)
    if is_taken:
        flush_outbox(home, linger_s=0.0)  # earlier answers that wait
    elif dropped := Outbox(home, _QUEUE).append([Entry(SURVEYS, body)]):
        hooks_log(home).warning("outbox_full", dropped_oldest=dropped)
    low, high = saved
    said = f"{low:g} to {high:g} hours" if high else "no hours"
    waits = "It waits until a collector takes it (`agent-analytics up`)."
    after = "Thank you." if is_taken else waits
    click.echo(f"Noted: {said} saved from {period.start} to {period.end}. {after}")


def _hand_over(home: Home, settings: Settings, body: dict[str, Any]) -> bool:
    """Whether the API took it; not through the outbox, whose refusals only a log has.

    Raises AnswerRefused.
    """
    if not is_reachable(home, settings):
        return False
    from agent_analytics_cli.outbound.api_client import ApiClient
    from agent_analytics_cli.outbound.delivery import deliver

    try:
        with ApiClient.connect(home, settings, TIMEOUT_S) as api:
            refused = deliver(api, SURVEYS, [body]).refused
    except AgentAnalyticsError as error:  # nobody there, a wrong key: it is kept
        note(str(error))
        return False
    if refused:
        raise AnswerRefused(api.base_url, refused[0][1])
    return True


def _period(home: Home, week: str | None) -> Period:
    days = user_days(home)
    day = parse_day(week, "--week", days)
    if day is None:
        return last_seven_days(days.today())
    try:
        return week_of(day, days.today())
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--week") from None


def _given_hours(text: str, period: Period) -> tuple[float, float]:
    try:
        return parse_hours(text, period)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--hours") from None


def _asked_hours(period: Period) -> tuple[float, float]:
    def parse(text: str) -> tuple[float, float]:
        try:
            return parse_hours(text, period)
        except ValueError as error:
            raise click.UsageError(f"{error}.") from None

    question = (
        f"How many hours did agents save you from {period.start} to {period.end}, as a range "
        "such as 2-4, or 0?"
    )
    answer: tuple[float, float] = click.prompt(question, value_proc=parse, err=True)
    return answer


def _asked_helped() -> int | None:
    def parse(text: Any) -> int | None:
        text = str(text).strip()
        if not text:
            return None
        if text not in ("1", "2", "3", "4", "5"):
            raise click.UsageError("A number from 1 to 5, or nothing.")
        return int(text)

    helped: int | None = click.prompt(
        "How well did they help, from 1 (not at all) to 5 (very well)? Enter leaves it open",
        default="", show_default=False, value_proc=parse, err=True,
    )  # fmt: skip
    return helped
