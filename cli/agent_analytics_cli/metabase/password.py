"""A password from where it is safe: a private file, the standard input, or a person."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from agent_analytics_cli.setup.questions import has_terminal
from agent_analytics_collector.connectors.token_file import check_mode
from agent_analytics_collector.errors import AgentAnalyticsError

STDIN = Path("-")
_MOST_CHARACTERS = 4096


class PasswordUnusable(AgentAnalyticsError):
    """There is no password where it was looked for."""

    def __init__(self, what: str, problem: str) -> None:
        self.what = what
        super().__init__(f"{what}: {problem}.")


def read_password(file: Path | None, user: str) -> str:
    """The first line of that file, of the standard input for `-`, or what a person types.

    Raises PasswordUnusable, TokenUnusable (others may read the file).
    """
    if file is None and has_terminal():
        typed: str = click.prompt(f"Password of {user}", hide_input=True, err=True)
        return typed
    if file is None or file == STDIN:
        return _checked(sys.stdin.readline(_MOST_CHARACTERS), "The password on the standard input")
    what = f"The password file {file}"
    try:
        check_mode(file, what)
        with file.open(encoding="utf-8") as stream:
            return _checked(stream.readline(_MOST_CHARACTERS), what)
    except (OSError, UnicodeDecodeError) as error:
        raise PasswordUnusable(what, getattr(error, "strerror", None) or str(error)) from error


def _checked(line: str, what: str) -> str:
    password = line.rstrip("\r\n")
    if not password:
        raise PasswordUnusable(what, "it is empty")
    return password
