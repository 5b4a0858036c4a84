"""dbt's adapter, as far as sqlfluff's Jinja templater needs one: what is dispatched becomes a
plain expression, so that the SQL around it can be linted without dbt."""

from __future__ import annotations

from collections.abc import Callable


def dispatch(name: str) -> Callable[..., str]:
    """A stand-in for the engine's own macro: its first argument."""

    def expression(*arguments: str) -> str:
        if name.startswith("type_"):
            return "timestamptz"
        return arguments[0] if arguments else "current_timestamp"

    return expression
