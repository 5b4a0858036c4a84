"""The MCP server as an agent meets it: a process of its own, over the SDK's client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from agent_analytics_collector.home import Home

from ..dashboards.marts import make

TOOLS = {"usage", "branch_cost", "session_cost", "limits", "waste", "budgets"}
PROJECTS = {"app", "lib"}
PEOPLE = {"ada", "grace", "o'hara"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sessions of two projects, all on the branch `feature`."""
    file = tmp_path_factory.mktemp("marts") / "marts.duckdb"
    with duckdb.connect(str(file)) as connection:
        make(connection, 60)
        connection.execute("update fct_git_commits set branch = 'feature'")
        connection.execute(
            "update fct_agent_requests set git_branch = 'feature', session_id = 's-' || rowid % 3"
        )
        connection.execute("delete from fct_agent_sessions where rowid >= 3")
        connection.execute("update fct_agent_sessions set session_id = 's-' || rowid")
    return file


@pytest.fixture
def published(home: Home, made: Path) -> Home:
    folder = home.published / "run-1"
    folder.mkdir(parents=True)
    shutil.copy(made, folder / "marts.duckdb")
    (home.published / "current").symlink_to("run-1")
    return home


@asynccontextmanager
async def connected(*arguments: str) -> AsyncIterator[ClientSession]:
    command = [sys.executable, "-m", "agent_analytics_cli.main", "mcp", *arguments]
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield session


Asked = Callable[..., Awaitable[Any]]


def conversation(steps: Callable[[Asked], Awaitable[None]], *flags: str) -> None:
    """Steps of one client of one server; they ask `await ask(tool, **arguments)`."""

    async def spoken() -> None:
        async with connected(*flags) as session:

            async def ask(tool: str, **arguments: Any) -> Any:
                result = await session.call_tool(tool, arguments)
                if result.isError:
                    return "".join(getattr(part, "text", "") for part in result.content)
                return result.structuredContent

            await steps(ask)

    anyio.run(spoken)


def marts(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.current_marts.resolve()), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_all_tools_say_that_they_only_read(published: Home) -> None:
    async def listed() -> Any:
        async with connected() as session:
            return (await session.list_tools()).tools

    tools = anyio.run(listed)
    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.annotations.readOnlyHint and tool.description for tool in tools)


EVER = {"since": "2020-01-01", "until": "2030-01-01"}


def test_usage_is_that_of_the_marts(published: Home) -> None:
    expected = marts(
        published,
        "select agent, sum(cost_usd) from (select agent, cost_usd from fct_agent_requests "
        "union all select agent, cost_usd from fct_metric_remainders "
        "union all select agent, cost_usd from fct_vendor_spend) group by all",
    )

    async def steps(ask: Asked) -> None:
        found = await ask("usage", by=["agent"], **EVER)
        assert {row["agent"]: row["cost_usd"] for row in found["rows"]} == {
            agent: pytest.approx(float(cost)) for agent, cost in expected
        }
        assert found["rows_left_out"] == 0

    conversation(steps)


def test_projects_have_pseudonyms_that_can_be_asked_with_and_people_are_not_named(
    published: Home,
) -> None:
    async def steps(ask: Asked) -> None:
        found = await ask("usage", by=["project"], **EVER)
        names = {row["project"] for row in found["rows"]} - {None}
        assert len(names) == 2
        assert all(name.startswith("project-") for name in names)
        branch = await ask("branch_cost", branch="feature", project=min(names))
        assert {row["project_id"] for row in branch["usage"]} == {min(names)}
        session = await ask("session_cost", session="s-1")
        waste = await ask("waste", since="2020-01-01")
        assert waste["causes"]
        others = [await ask("limits"), await ask("budgets")]
        told = json.dumps([found, branch, session, waste, others])
        said = {part for part in told.replace('"', " ").replace(",", " ").split() if part}
        assert not said & (PROJECTS | PEOPLE)

    conversation(steps)


def test_projects_are_named_where_that_is_allowed(published: Home) -> None:
    async def steps(ask: Asked) -> None:
        found = await ask("usage", by=["project"], **EVER)
        assert {row["project"] for row in found["rows"]} - {None} == PROJECTS

    conversation(steps, "--project-names")


def test_a_question_without_an_answer_says_what_to_ask(published: Home) -> None:
    async def steps(ask: Asked) -> None:
        said = await ask("usage", by=["developer"])
        assert "`by` takes one or more of day" in said
        said = await ask("usage", by=["day"], since="someday")
        assert "'someday' is no day" in said
        for tool, more in (("usage", {"by": ["day"]}), ("waste", {})):
            said = await ask(tool, since="2026-11-30", until="2026-11-01", **more)
            assert "`since` 2026-11-30 is after `until` 2026-11-01" in said
        said = await ask("branch_cost", branch="nowhere")
        assert "No session and no commit on a branch 'nowhere'" in said
        said = await ask("branch_cost", branch="feature", project="app")
        assert "There is no project 'app'" in said
        said = await ask("session_cost", session="s-")
        assert "more than one session begins so" in said
        assert "no session begins so" in await ask("session_cost", session="")

    conversation(steps)


def test_waste_until_a_day_is_that_of_the_last_days_with_data_before(published: Home) -> None:
    async def steps(ask: Asked) -> None:
        found = await ask("waste", until="2026-03-01")
        assert found["since"] < found["until"] == "2026-03-01"
        assert found["causes"]

    conversation(steps)


def test_it_ends_in_order_when_the_agent_leaves(published: Home) -> None:
    command = [sys.executable, "-m", "agent_analytics_cli.main", "mcp"]
    ended = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert list(published.logs.glob("crash-*")) == []


def test_before_anything_is_published_it_says_how_to_get_there(home: Home) -> None:
    async def steps(ask: Asked) -> None:
        assert "agent-analytics up" in await ask("limits")

    conversation(steps)
