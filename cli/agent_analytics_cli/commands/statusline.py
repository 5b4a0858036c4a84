"""`agent-analytics statusline`: one line for Claude Code's status line."""

from __future__ import annotations

import rich_click as click

from agent_analytics_cli.statusline.line import print_status_line


@click.command("statusline")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def command(is_json: bool) -> None:
    """Print one line for Claude Code's status line.

    Claude Code tells of its session on standard input; today's cost is that of the published
    marts. `5h 24% (pace 0.8, resets 2h10m)`: a quarter of the five-hour limit is used, at 0.8 of
    the pace that would use it up by its reset. `—` is unknown, `≥` leaves out usage without a
    price. The limits are recorded for `agent-analytics limits`. This never fails.

    In `~/.claude/settings.json`:
    `"statusLine": {"type": "command", "command": "agent-analytics statusline"}`

    \b
    Examples:
    $ agent-analytics statusline
    $ echo '{"model": {"display_name": "Opus 4.5"}}' | agent-analytics statusline
    """
    print_status_line(is_json=is_json)
