"""The `agent-analytics` command group: its table of commands, and what becomes of errors.

Exit codes: 0 done, 1 expected trouble (`Error: …`), 2 wrong usage, 3 a bug (with a log of it),
130 interrupted. Only click and rich-click are imported until a command is called: `--help` is
typed often, and duckdb, grpc and msgspec would each cost it more than it takes by itself.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import IO, Any, cast

import rich_click as click
from click.exceptions import Abort

from agent_analytics_cli import __version__
from agent_analytics_collector.errors import AgentAnalyticsError

_PACKAGE = "agent_analytics_cli.commands"
COMMANDS = {
    "init": (f"{_PACKAGE}.init", "Set up this machine: agents, git hooks, settings."),
    "up": (f"{_PACKAGE}.up", "Run the collector until Ctrl-C."),
    "status": (
        f"{_PACKAGE}.status",
        "Show what runs, what came, what waits and who holds the file.",
    ),
    "doctor": (f"{_PACKAGE}.doctor", "Check everything and say what to do next."),
    "agents": (f"{_PACKAGE}.agents", "Show which agents report; have one start or stop."),
    "report": (f"{_PACKAGE}.report", "Show cost and usage by day, agent, model, commit and more."),
    "commit": (f"{_PACKAGE}.commit", "Show what made a commit, by which evidence, at what cost."),
    "blame": (f"{_PACKAGE}.blame", "Show which lines of a file agents wrote."),
    "outcomes": (f"{_PACKAGE}.outcomes", "Show what agents' work came to: shares, yields, cost."),
    "explain": (f"{_PACKAGE}.explain", "Show why a day, session or branch cost what it cost."),
    "whatif": (f"{_PACKAGE}.whatif", "Price the same requests on another model or plan."),
    "limits": (f"{_PACKAGE}.limits", "Show the limit windows that agents report, and their pace."),
    "statusline": (f"{_PACKAGE}.statusline", "Print one line for Claude Code's status line."),
    "budget": (f"{_PACKAGE}.budget", "Set budgets; show what is spent and the forecast."),
    "plans": (f"{_PACKAGE}.plans", "Show and set the seats and plans that you pay for."),
    "invoice": (f"{_PACKAGE}.invoice", "Compare vendors' invoices with what was recorded."),
    "survey": (f"{_PACKAGE}.survey", "Tell how many hours agents saved you."),
    "audit": (f"{_PACKAGE}.audit", "Show where a number comes from, down to the raw rows."),
    "verify": (f"{_PACKAGE}.verify", "Check the numbers' invariants on your own data."),
    "import": (f"{_PACKAGE}.import_", "Read the session files that agents left on this machine."),
    "import-git": (f"{_PACKAGE}.import_git", "Read the history of git repositories."),
    "survival": (f"{_PACKAGE}.survival", "Look how many lines of commits are alive weeks later."),
    "attribution": (
        f"{_PACKAGE}.attribution",
        "Read and write who wrote which lines, as other tools record it.",
    ),
    "sync": (f"{_PACKAGE}.sync", "Fetch what vendors report: Copilot, Claude, Cursor."),
    "sync-copilot": (f"{_PACKAGE}.sync_copilot", "Fetch GitHub Copilot's metrics."),
    "export": (f"{_PACKAGE}.export", "Write the published marts as Parquet, CSV or JSON files."),
    "metabase": (f"{_PACKAGE}.metabase", "Set up Metabase: connection, cards, dashboards."),
    "mcp": (f"{_PACKAGE}.mcp", "Let an agent ask for its own figures (MCP, read-only)."),
    "prices": (f"{_PACKAGE}.prices", "Check, show and recompute what models cost."),
    "hooks": (f"{_PACKAGE}.hooks", "Install, show and remove the git hooks."),
    "log-commit": (f"{_PACKAGE}.log_commit", "Record a commit."),
    "log-event": (f"{_PACKAGE}.log_event", "Record what an agent's own hook tells (Cursor)."),
    "flush": (f"{_PACKAGE}.flush", "Wait until everything accepted is in DuckDB."),
    "transform": (f"{_PACKAGE}.transform", "Run dbt and publish the marts."),
    "replay": (f"{_PACKAGE}.replay", "Send recorded requests to the running collector."),
    "backup": (f"{_PACKAGE}.backup", "Make, list, check and export backups."),
    "restore": (f"{_PACKAGE}.restore", "Bring a backup back."),
    "retention": (f"{_PACKAGE}.retention", "Remove what is older than the settings keep."),
    "keys": (f"{_PACKAGE}.keys", "Make, show, revoke and rotate the keys of a team's server."),
    "privacy": (f"{_PACKAGE}.privacy", "Show, hand out and delete what is stored about a person."),
    "access-log": (f"{_PACKAGE}.access_log", "Show who looked at whose data."),
    "config": (f"{_PACKAGE}.config", "Show the settings and where each comes from."),
    "uninstall": (f"{_PACKAGE}.uninstall", "Take out what `init` put in, byte for byte."),
}
"""Name → module that holds it as `command`, and its line in `agent-analytics --help`."""


class _LazyGroup(click.RichGroup):
    """Knows its commands by name and help line; imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A stand-in with the help line; `resolve_command` has the command itself."""
        if cmd_name not in COMMANDS:
            return None
        return click.RichCommand(name=cmd_name, short_help=COMMANDS[cmd_name][1])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            ctx.fail(f"There is no command `{args[0]}`.{hint}")
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:  # shell completion of an unknown name
            return name, command, rest
        return name, load_command(name), rest

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it returns is no exit code (it says `ctx.exit(1)`)."""
        super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit, as click does, with our exit codes and unframed, unwrapped errors."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(arguments, prog_name, complete_var, standalone_mode=False, **extra)
            if not sys.stdout.closed:  # the MCP server closes it with its conversation
                sys.stdout.flush()  # here, where a closed pipe can still be handled
        except Abort:
            code = 130
        except click.ClickException as error:
            _show(error)
            code = error.exit_code
        except AgentAnalyticsError as error:
            click.echo(f"Error: {error}", err=True)
            code = 1
        except BrokenPipeError:
            # The reader left (`| head`). Python would complain again while it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            code = 1
        except Exception as error:
            click.echo(f"Error: {_record_crash(error, arguments)}", err=True)
            code = 3
        sys.exit(code)


def load_command(name: str) -> click.Command:
    """The command of that name in COMMANDS; its module is imported now."""
    return cast(click.Command, importlib.import_module(COMMANDS[name][0]).command)


def _show(error: click.ClickException) -> None:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        ctx = error.ctx
        click.echo(f"Usage: {' '.join((ctx.command_path, *ctx.command.collect_usage_pieces(ctx)))}"
                   f"\nTry `{ctx.command_path} --help`.\n", err=True)  # fmt: skip
    click.echo(f"Error: {error.format_message()}", err=True)


def _record_crash(error: Exception, arguments: Sequence[str]) -> str:
    """Keep the traceback in the home's logs; the sentence that says where it is.

    Of the arguments only the command's name is kept: the others may be secrets.
    """
    import platform
    import traceback
    from datetime import UTC, datetime

    from agent_analytics_collector.home import Home
    from agent_analytics_collector.redaction import redacted_text

    called = next((argument for argument in arguments if argument in COMMANDS), "")
    trace = redacted_text("".join(traceback.format_exception(error)))
    about = f"agent-analytics {__version__} {called}".rstrip()
    report = f"{about}\nPython {sys.version} on {platform.platform()}\n\n{trace}"
    home = Home.from_environment()
    log = home.logs / f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.log"
    try:
        home.create()
        with open(log, "x", encoding="utf-8", errors="replace", opener=_private) as file:
            file.write(report)
    except (OSError, AgentAnalyticsError):
        return f"This is a bug in agent-analytics. Please report it with this:\n\n{report}"
    return f"This is a bug in agent-analytics. Please report it; the details are in {log}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


# As settings of the context, because `@click.rich_config` imports rich, which takes 20 ms.
@click.group(
    cls=_LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "rich_help_config": {
            "max_width": 100,
            "padding_helptext_first_line": (0, 0, 1, 0),
            "text_paragraph_linebreaks": "\n\n",
        },
    },
)
@click.version_option(__version__, prog_name="agent-analytics")
def cli() -> None:
    """What your AI coding agents cost, what they were used for and what they shipped.

    \b
    Examples:
    $ agent-analytics up
    $ agent-analytics report --by day,model --since 7d
    """


def main() -> None:
    """The entry point of the `agent-analytics` script."""
    for stream in (sys.stdout, sys.stderr):
        _never_fail_on_a_character(stream)
    cli.main(prog_name="agent-analytics")


def _never_fail_on_a_character(stream: IO[str]) -> None:
    """A terminal that cannot show `—` or a name from telemetry shows `?` for it."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


if __name__ == "__main__":
    main()
