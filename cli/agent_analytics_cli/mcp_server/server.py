"""The tools as MCP offers them (the official Python SDK), each a question to `Answers`."""

from __future__ import annotations

from typing import Annotated

from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations
from pydantic import Field

from agent_analytics_cli.mcp_server.answers import KEYS, Answer, Answers

_INSTRUCTIONS = """\
What coding agents used and cost on this machine or in this team, from published figures.
Costs are list prices in US dollars, whoever pays; null is unknown, never zero. `unpriced_requests`
are left out of a cost. Project names may be pseudonyms; use them as they are."""
_DAY = "2026-03-14, today, yesterday, 7d or 2w"

Since = Annotated[
    str | None,
    Field(description=f"First day: {_DAY}. Without it: the last 30 days that have data."),
]
Until = Annotated[str | None, Field(description=f"Last day, included: {_DAY}.")]


def build_server(answers: Answers) -> FastMCP:
    """A server whose tools only read."""
    server = FastMCP("agent-analytics", instructions=_INSTRUCTIONS, log_level="WARNING")
    reads = ToolAnnotations(readOnlyHint=True, idempotentHint=True, openWorldHint=False)

    @server.tool(annotations=reads, structured_output=True)
    def usage(
        by: Annotated[list[str], Field(description=f"One or more of {', '.join(KEYS)}.")],
        since: Since = None,
        until: Until = None,
    ) -> Answer:
        """Requests, tokens by class and cost, grouped by day, agent, model, project and more."""
        return answers.usage(by, since, until)

    @server.tool(annotations=reads, structured_output=True)
    def branch_cost(
        branch: Annotated[str, Field(description="A git branch, as its sessions had it.")],
        project: Annotated[
            str | None, Field(description="Only this project, as `usage` by project names it.")
        ] = None,
    ) -> Answer:
        """What the work on a git branch cost, and its commits with how sure their origin is."""
        return answers.branch(branch, project)

    @server.tool(annotations=reads, structured_output=True)
    def session_cost(
        session: Annotated[str, Field(description="A session's id, or the start of it.")],
    ) -> Answer:
        """One session: prompts, requests, tools, commits, outcome and cost by model."""
        return answers.session(session)

    @server.tool(annotations=reads, structured_output=True)
    def limits() -> Answer:
        """The agents' limit windows: how much is used, when it resets, when it runs out."""
        return answers.limits()

    @server.tool(annotations=reads, structured_output=True)
    def waste(since: Since = None, until: Until = None) -> Answer:
        """Avoidable cost by cause: caches that expired, retries and more; with the worst."""
        return answers.waste(since, until)

    @server.tool(annotations=reads, structured_output=True)
    def budgets() -> Answer:
        """This month's budgets: spent so far, the forecast with its range, the status."""
        return answers.budgets()

    return server
