"""What people type as values of commands: amounts of money, names, months. Callbacks of click."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import rich_click as click

MOST_USD = Decimal(10_000_000)
"""dbt takes more for a mistake and leaves the row out (`stg_invoices`)."""
_AMOUNT = re.compile(r"\$?(\d+|\d{1,3}(?:,\d{3})+)(\.\d{1,9})?", re.ASCII)
_LONGEST_NAME = 200


def parse_usd(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Decimal | None:
    """An amount of 0 or more; `$` and thousands' commas may be written. None was not given."""
    if value is None:
        return None
    found = _AMOUNT.fullmatch(value.strip())
    amount = Decimal((found[1] + (found[2] or "")).replace(",", "")) if found else None
    if amount is None or amount > MOST_USD:
        raise click.BadParameter(f"{value!r} is no amount in US dollars; write 1200 or 1,200.50")
    return amount


def parse_charge(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> Decimal | None:
    """The same, and below 0 with a `-` in front: a credit note."""
    amount = parse_usd(ctx, parameter, value and value.strip().removeprefix("-"))
    return -amount if amount and value and value.strip().startswith("-") else amount


def parse_name(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Printable text without blanks around it; None was not given."""
    text = None if value is None else value.strip()
    if text is not None and not (text.isprintable() and 0 < len(text) <= _LONGEST_NAME):
        problem = f"{value!r} is no name: 1 to {_LONGEST_NAME} printable letters"
        raise click.BadParameter(problem)
    return text


def parse_month(ctx: click.Context, parameter: click.Parameter, value: str | None) -> date | None:
    """The first day of a month such as 2026-03; None was not given."""
    try:
        return None if value is None else date.fromisoformat(f"{value}-01")
    except ValueError:
        raise click.BadParameter(f"{value!r} is no month; write 2026-03") from None


def shown(amount: Decimal) -> str:
    """`$1,200.50`: cents, and more places only where there are."""
    exponent = amount.normalize().as_tuple().exponent
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{max(2, -int(exponent))}f}"


def plain(amount: Decimal) -> str:
    """The amount as files have it: no exponent, no idle zeros."""
    return f"{amount.normalize():f}"
