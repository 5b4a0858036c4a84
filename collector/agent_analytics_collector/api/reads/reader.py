"""Answers for the routes: who asks, what they may see, one page of it, and the log of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from agent_analytics_collector.access.access_log import append_look, look_of
from agent_analytics_collector.access.key_file import has_keys
from agent_analytics_collector.access.principal import INSTALLATION, Principal, Role
from agent_analytics_collector.api.reads import pages
from agent_analytics_collector.api.reads.audience import (
    Allowed,
    allowed,
    check_role,
    own_names,
)
from agent_analytics_collector.api.reads.documents import columns_told, published_told
from agent_analytics_collector.api.reads.filters import Filters
from agent_analytics_collector.api.reads.marts import Answer, Marts, open_run
from agent_analytics_collector.api.reads.own_questions import own_question
from agent_analytics_collector.api.reads.ranks import Ranks
from agent_analytics_collector.api.reads.suppression import hidden_rows
from agent_analytics_collector.dashboards import PEOPLE, Question, bind
from agent_analytics_collector.errors import NotAllowed, RunGone, TooManyAsk
from agent_analytics_collector.home import Home
from agent_analytics_collector.published_runs import PublishedRun, newest_run, run_named
from agent_analytics_collector.settings import Settings

T = TypeVar("T")
AT_ONCE = 2
"""Questions that are answered at the same time; each may take half a gigabyte."""
MOST_WAITING = 64
"""Questions that wait for their turn; one that takes long must not have others pile up for ever."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a request asks it."""

    principal: Principal
    route: str
    view: str
    question: Question
    filters: Filters

    @property
    def name(self) -> str:
        return f"{self.view}/{self.question.id}"


class Reader:
    """Reads the published runs of a home."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self.home = home
        self.settings = settings
        self._free = asyncio.Semaphore(AT_ONCE)
        self._asking = 0

    async def in_thread(self, work: Callable[[], T]) -> T:
        """What `work` returns, in a thread; only so many at a time. Raises TooManyAsk."""
        if self._asking >= AT_ONCE + MOST_WAITING:
            raise TooManyAsk
        self._asking += 1
        try:
            async with self._free:
                return await asyncio.to_thread(work)
        finally:
            self._asking -= 1

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """One page of `Answered`.

        Raises NotAllowed, AskedWrongly, RunGone, TookTooLong, TooManyAsk, MartsUnreadable,
        AccessNotLogged.
        """
        return await self.in_thread(lambda: self._answer(asked))

    @property
    def time_zone(self) -> str:
        """IANA name of the zone in which days are counted."""
        if self.settings.time_zone:
            return self.settings.time_zone
        # Here, because it comes with DuckDB.
        from agent_analytics_collector.warehouse.user_input import machine_time_zone

        return machine_time_zone()

    def own_id(self, principal: Principal) -> str | None:
        """Whose data is the principal's own; in a home of one user its settings may say."""
        if principal == INSTALLATION and not has_keys(self.home):
            return self.settings.developer_id
        return principal.developer_id

    def marts(self, run: PublishedRun | None, time_zone: str | None = None) -> Any:
        """A context with the run's marts; with None where nothing is published."""
        if run is None:
            return nullcontext(None)
        return open_run(run, time_zone or self.time_zone, self.settings.day_rollover_hour)

    def own(self, principal: Principal, marts: Marts | None) -> tuple[str, ...]:
        """The names under which the principal's developer is known; none for nobody's key."""
        developer = self.own_id(principal)
        if marts is None:
            return (developer,) if developer else ()
        return own_names(self.home, marts, developer)

    def log_look(self, principal: Principal, route: str, **about: object) -> None:
        """Write down that data of others was looked at. Raises AccessNotLogged.

        In a home without keys there are no others.
        """
        if principal != INSTALLATION or has_keys(self.home):
            append_look(self.home, look_of(principal, route, **about))

    def _answer(self, asked: Asked) -> dict[str, Any]:
        filters, principal = asked.filters, asked.principal
        time_zone = self._time_zone(asked)
        digest = pages.digest_of(
            {
                "question": asked.name,
                "key": principal.key_id,
                "time_zone": time_zone,
                **filters.model_dump(mode="json", exclude={"limit", "cursor", "time_zone"}),
            }
        )
        cursor = pages.decoded(filters.cursor, digest)
        run = run_named(self.home, cursor.run) if cursor else newest_run(self.home)
        if cursor and run is None:
            raise RunGone
        with self.marts(run, time_zone) as marts:
            permitted = self._permitted(asked, self.own(principal, marts))
            question, values = permitted.question, permitted.values
            found = marts.ask(question, values) if marts else Answer((), (), [])
            hidden = _hidden(found, permitted, marts) if marts else frozenset()
        rows = [row for place, row in enumerate(found.rows) if place not in hidden]
        offset = cursor.offset if cursor else 0
        page = rows[offset : offset + filters.limit]
        end = offset + len(page)
        more = run is not None and end < len(rows)
        if permitted.others:
            self.log_look(
                principal,
                asked.route,
                question=asked.name,
                developers=permitted.developers,
                teams=permitted.teams,
                rows=len(page),
            )
        return {
            "view": asked.view,
            "question": question.id,
            "columns": columns_told(found.columns, found.types, question.chart),
            "rows": page,
            "next_cursor": pages.encoded(pages.Cursor(digest, run.name, end))
            if run and more
            else None,
            "published": published_told(run),
            "since": values.get("since"),
            "until": values.get("until"),
            "suppressed": len(hidden),
            "sql": bind(question, values)[0],
        }

    def _permitted(self, asked: Asked, own: tuple[str, ...]) -> Allowed:
        check_role(asked.principal.role, asked.question)
        return allowed(
            asked.principal,
            asked.question,
            asked.filters.given(asked.question),
            own=own,
            today=self._today(),
            smallest_group=self.settings.privacy.smallest_group,
        )

    def _time_zone(self, asked: Asked) -> str:
        """Raises NotAllowed for a lead: days of two zones differ by some hours' work."""
        wanted = asked.filters.time_zone
        if asked.principal.role is Role.LEAD and wanted not in (None, self.time_zone):
            raise NotAllowed(f"A lead asks in the time zone that is set, {self.time_zone}.")
        return wanted or self.time_zone

    def _today(self) -> date:
        clock = datetime.now(UTC).astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)
        return (clock - timedelta(hours=self.settings.day_rollover_hour)).date()


def _hidden(found: Answer, permitted: Allowed, marts: Marts) -> frozenset[int]:
    """The places of the rows that must not be shown."""
    if permitted.smallest_group is None or not found.rows:
        return frozenset()
    chart = permitted.question.chart
    places = {
        name: place
        for place, (name, kind) in enumerate(zip(found.columns, found.types, strict=True))
        if name in (chart.x, chart.series)
        or kind in ("VARCHAR", "BOOLEAN")
        or kind.startswith(("DATE", "TIME"))
    }
    used = marts.ask(own_question("people_by_model"), permitted.values).rows
    ranks = Ranks.of((agent, model, developer) for agent, model, developer in used)
    people = found.columns.index(PEOPLE)
    return hidden_rows(
        [tuple(row[place] for place in places.values()) for row in found.rows],
        [row[people] for row in found.rows],
        permitted.smallest_group,
        [ranks.rank({name: row[at] for name, at in places.items()}) for row in found.rows],
    )
