"""`git.ticket_pattern` on its way to dbt."""

from __future__ import annotations

import pytest

from agent_analytics_collector.errors import BadSetting
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.user_input import write_user_input


def stored(home: Home, pattern: str | None = None) -> list[str]:
    settings = load_settings(home, {"git.ticket_pattern": pattern}).settings
    with lease(home.database) as connection:
        write_user_input(connection, home, settings)
        rows = connection.execute(
            "SELECT value FROM raw_settings WHERE name = 'git.ticket_pattern'"
        ).fetchall()
    return [value for (value,) in rows]


def test_the_default_is_that_of_the_dbt_project(home: Home) -> None:
    assert stored(home) == ["[A-Z][A-Z0-9]+-[0-9]+"]


def test_a_users_pattern_is_told_and_an_empty_one_too(home: Home) -> None:
    assert stored(home, "it's-[0-9]+") == ["it's-[0-9]+"]
    assert stored(home, "") == [""]


def test_a_pattern_that_only_python_understands_leaves_the_default(home: Home) -> None:
    assert stored(home, "(?<=#)[0-9]+") == []


def test_what_is_no_pattern_at_all_is_refused(home: Home) -> None:
    with pytest.raises(BadSetting, match=r"git\.ticket_pattern.*no regular expression"):
        load_settings(home, {"git.ticket_pattern": "[A-Z"})
