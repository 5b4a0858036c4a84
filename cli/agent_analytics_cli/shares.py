"""Parts of a whole, as numbers and as people read them."""

from __future__ import annotations

from decimal import Decimal

UNKNOWN = "—"


def share(part: int | None, whole: int | None) -> Decimal | None:
    """Part ÷ whole to six decimals; None where one is unknown or the whole is nothing."""
    return round(Decimal(part) / whole, 6) if part is not None and whole else None


def percent(part: Decimal | float | None) -> str:
    """`0%` and `100%` only where it is none and all; `—` is unknown.

    A return may be more than all or less than nothing: `250%`, `-40.0%`.
    """
    if part is None:
        return UNKNOWN
    size = abs(float(part))
    if size == 0 or size >= 1:
        return f"{part:.0%}"
    return f"{'-' if part < 0 else ''}{min(max(size, 0.001), 0.999):.1%}"


def usd(amount: Decimal | None, *, is_partial: bool = False) -> str:
    """`$12.34`, `$0.0123`; `≥` where part of it is unknown."""
    if amount is None:
        return UNKNOWN
    size, sign = abs(amount), "-" if amount < 0 else ""
    if 0 < size < Decimal("0.00005"):  # not nothing, so it must not read $0.00
        text = f"{sign}<$0.0001"
    else:
        text = f"{sign}${size:,.4f}" if 0 < size < 1 else f"{sign}${size:,.2f}"
    return f"≥ {text}" if is_partial else text
