"""Parts of a whole, as numbers and as people read them."""

from __future__ import annotations

from decimal import Decimal

UNKNOWN = "—"


def share(part: int | None, whole: int | None) -> Decimal | None:
    """Part ÷ whole to six decimals; None where one is unknown or the whole is nothing."""
    return round(Decimal(part) / whole, 6) if part is not None and whole else None


def percent(part: Decimal | float | None) -> str:
    """`0%` and `100%` only where it is none and all; `—` is unknown."""
    if part is None:
        return UNKNOWN
    return f"{part:.0%}" if part in (0, 1) else f"{min(max(float(part), 0.001), 0.999):.1%}"


def usd(amount: Decimal | None, *, is_partial: bool = False) -> str:
    """`$12.34`, `$0.0123`; `≥` where part of it is unknown."""
    if amount is None:
        return UNKNOWN
    if 0 < abs(amount) < Decimal("0.00005"):  # not nothing, so it must not read $0.00
        text = "<$0.0001"
    else:
        text = f"${amount:,.4f}" if 0 < abs(amount) < 1 else f"${amount:,.2f}"
    return f"≥ {text}" if is_partial else text
