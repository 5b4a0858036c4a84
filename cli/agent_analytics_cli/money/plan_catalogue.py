"""Plans that can be paid for: those shipped and the user's own, and who has seats of which.

It reads the files as dbt does (`stg_plans`, `int_plan_prices`, `stg_subscriptions`), so that what a
command shows is what the marts count from their next run on.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from agent_analytics_cli.assets import dbt_project
from agent_analytics_cli.money.seed_files import PLANS, SUBSCRIPTIONS, SeedRow, read_seed
from agent_analytics_cli.money.seed_reading import Typed, plausible, typed
from agent_analytics_collector.home import Home

MOST_PRICE_USD = Decimal(100_000)
"""dbt takes more for a mistake and leaves the row out."""
_MOST_SEATS = 1_000_000
_TYPES = {
    "monthly_usd": "usd", "included_usd": "usd", "valid_from": "date", "valid_to": "date",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Price:
    """What a seat of a plan costs a month, and on which days."""

    plan: str
    agent: str
    display_name: str
    monthly_usd: Decimal
    included_usd: Decimal | None
    valid_from: date | None
    valid_to: date | None
    """The first day on which it no longer holds."""
    is_own: bool
    row: SeedRow
    """As it is written in the file."""

    def holds_on(self, day: date) -> bool:
        return (self.valid_from or date.min) <= day < (self.valid_to or date.max)

    @property
    def rank(self) -> tuple[bool, date]:
        """The user's stand before the shipped ones on all their days, then the newer."""
        return self.is_own, self.valid_from or date.min


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The prices that can be read, one per plan, first day and whose it is."""

    prices: Sequence[Price]
    unread: Sequence[SeedRow]
    """Rows of the user's file that count nowhere."""

    @classmethod
    def read(cls, home: Home) -> Catalogue:
        """Raises ChangeRefused where the user's file cannot be read."""
        with (dbt_project() / "seeds" / "plans.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        shipped = [price for price in _prices(rows, {}) if price]
        mine = read_seed(home, PLANS)
        priced = _prices(mine, {price.plan: price for price in shipped})
        # Two rows of the same first day: dbt has the one written later, of one time the cheaper.
        own = sorted((price for price in priced if price), key=_cost, reverse=True)
        best = {(price.plan, price.valid_from): price for price in (*shipped, *own)}
        unread = [row for row, price in zip(mine, priced, strict=True) if price is None]
        return cls([*best.values()], unread)

    def plans(self) -> list[str]:
        """Names of all plans, those shipped first."""
        return list(dict.fromkeys(price.plan for price in self.prices))

    def at(self, plan: str, day: date) -> Price | None:
        """The price in force on that day; None where there is none."""
        found = (price for price in self.prices if price.plan == plan and price.holds_on(day))
        return max(found, key=lambda price: price.rank, default=None)

    def nearest(self, plan: str) -> list[str]:
        """Names of plans that are most like this one."""
        return difflib.get_close_matches(plan, self.plans(), n=3, cutoff=0.5)

    def listing(self, day: date, seats: dict[str, int]) -> list[dict[str, Any]]:
        """The plans of that day, for people and programs; `seats` by plan."""
        return [
            {
                "plan": plan,
                "agent": price.agent,
                "display_name": price.display_name,
                "monthly_usd": price.monthly_usd,
                "included_usd": price.included_usd,
                "seats": seats.get(plan),
                "origin": "own" if price.is_own else "shipped",
                "source": price.row["source"] or None,
            }
            for plan in self.plans()
            if (price := self.at(plan, day)) is not None
        ]


def subscriptions(home: Home) -> list[dict[str, Any]]:
    """The user's subscriptions; `developer_id` None is the organisation's.

    `seats` None: no mart counts that row, because something in it cannot be read. Raises
    ChangeRefused.
    """
    return [
        {
            "plan": row["plan"].lower(),
            "developer_id": row["developer_id"] or None,
            "seats": _seats(row, cells),
            "since": _day(row["since"], cells["since"]),
            "until": _day(row["until"], cells["until"]),
        }
        for row, cells in _subscribed(home)
    ]


def unread_subscriptions(home: Home) -> list[SeedRow]:
    """Rows of the user's file that count nowhere. Raises ChangeRefused."""
    return [row for row, cells in _subscribed(home) if _seats(row, cells) is None]


def seats_on(day: date, held: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Seats by plan on that day, of what `subscriptions` found."""
    seats: dict[str, int] = {}
    for row in {tuple(row.values()): row for row in held if row["seats"] is not None}.values():
        if (row["since"] or "") <= str(day) and (not row["until"] or str(day) <= row["until"]):
            seats[row["plan"]] = seats.get(row["plan"], 0) + row["seats"]
    return seats


def _subscribed(home: Home) -> list[tuple[SeedRow, Typed]]:
    rows = read_seed(home, SUBSCRIPTIONS)
    types = {"seats": "bigint", "since": "date", "until": "date"}
    return list(zip(rows, typed(rows, types), strict=True))


def _prices(rows: Sequence[SeedRow], shipped: Mapping[str, Price]) -> list[Price | None]:
    """A price per row, None where it cannot be read. `shipped` by plan; without, they are."""
    return [
        _price(row, cells, shipped.get(row["plan"].lower()), is_own=bool(shipped))
        for row, cells in zip(rows, typed(rows, _TYPES), strict=True)
    ]


def _price(row: SeedRow, cells: Typed, shipped: Price | None, *, is_own: bool) -> Price | None:
    price = Price(
        plan=row["plan"].lower(),
        agent=row["agent"].lower() or (shipped.agent if shipped else ""),
        display_name=row["display_name"] or (shipped.display_name if shipped else row["plan"]),
        monthly_usd=cells["monthly_usd"],
        included_usd=_most(cells["included_usd"]),
        valid_from=cells["valid_from"],
        valid_to=cells["valid_to"],
        is_own=is_own,
        row=row,
    )
    is_read = (
        price.plan
        and price.agent
        and _most(price.monthly_usd) is not None
        and _are_days(row, cells, "valid_from", "valid_to")
        and (price.valid_from or date.min) < (price.valid_to or date.max)
    )
    return price if is_read else None


def _most(amount: Decimal | None) -> Decimal | None:
    return amount if plausible(amount, MOST_PRICE_USD) else None


def _cost(price: Price) -> tuple[Decimal, bool, Decimal]:
    included = price.included_usd
    return price.monthly_usd, included is None, included or Decimal()


def _seats(row: SeedRow, cells: Typed) -> int | None:
    seats: int | None = cells["seats"] if row["seats"] else 1
    is_read = (
        row["plan"]
        and seats
        and plausible(seats, _MOST_SEATS)
        and _are_days(row, cells, "since", "until")
        and (cells["since"] or date.min) <= (cells["until"] or date.max)
    )
    return seats if is_read else None


def _are_days(row: SeedRow, cells: Typed, *columns: str) -> bool:
    """Whether each of the cells is empty or a day."""
    return all(cells[column] is not None or not row[column] for column in columns)


def _day(text: str, day: date | None) -> str | None:
    """As ISO 8601 has it; what is no day as it is written."""
    return str(day) if day else text or None
