"""Whom a look at others' data is about, and what those are told of it."""

from __future__ import annotations

import pytest

from agent_analytics_collector.access.access_log import Look
from agent_analytics_collector.access.principal import Role


def look(developers: tuple[str, ...] = (), teams: tuple[str, ...] = ()) -> Look:
    return Look(
        at="2026-11-22T10:00:00.000+00:00", key_id="key_1", role=Role.ADMIN, developer_id="root",
        route="/v1/usage", developers=developers, teams=teams, rows=3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (look(), look()),
        (look(("ada",)), None),
        (look(("bo",)), look(("bo",))),
        (look(("ada", "bo")), look(("bo",))),
        (look((), ("core",)), look((), ("core",))),
        (look((), ("core", "web")), look((), ("core",))),
        (look((), ("web",)), None),
        # Ada, as one of core: bo is of core too, and no row was of him.
        (look(("ada",), ("core",)), None),
        (look(("ada", "bo"), ("core", "web")), look(("bo",), ("core",))),
    ],
)
def test_nobody_learns_from_a_look_whom_else_it_was_about(made: Look, told: Look | None) -> None:
    assert made.told_to(("bo", "bo@example.com"), ("core",)) == told
