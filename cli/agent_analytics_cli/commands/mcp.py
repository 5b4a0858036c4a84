"""`agent-analytics mcp`: answers an agent's questions about its own figures, over MCP."""

from __future__ import annotations

import rich_click as click

from agent_analytics_cli.day_options import user_days
from agent_analytics_cli.mcp_server.answers import Answers
from agent_analytics_cli.mcp_server.pseudonyms import Pseudonyms
from agent_analytics_cli.mcp_server.server import build_server
from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import line_key
from agent_analytics_collector.settings import load_settings


@click.command("mcp", short_help="Let an agent ask for its own figures (MCP, read-only).")
@click.option(
    "--project-names", is_flag=True, help="Tell projects by name; otherwise by pseudonyms."
)
@click.option("--demo", is_flag=True, help="Serve the recorded demo instead of your data.")
def command(project_names: bool, demo: bool) -> None:
    """Serve the Model Context Protocol on standard input and output until it ends.

    Its tools only read the published marts: usage, the cost of a branch or session, limits, waste
    and budgets. What an agent is told may reach its vendor, so projects have pseudonyms unless
    you allow their names, and developers and paths are not told. Branches keep their names.

    \b
    Examples:
    $ agent-analytics mcp --project-names
    $ claude mcp add agent-analytics -- agent-analytics mcp
    $ codex mcp add agent-analytics -- agent-analytics mcp
    """
    home = Home.from_environment()
    key_file = load_settings(home).settings.git.line_key_file
    home.create()
    pseudonyms = Pseudonyms(None if project_names else line_key(home, key_file))
    answers = Answers(home.demo if demo else home, user_days(home), pseudonyms)
    build_server(answers).run("stdio")
