"""A vendor's secret in a file that nobody else may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from agent_analytics_collector.errors import AgentAnalyticsError

_MOST_BYTES = 16 * 1024


class TokenUnusable(AgentAnalyticsError):
    """A vendor's token is missing, or lies where others can read it."""

    def __init__(self, what: str, problem: str) -> None:
        self.what = what
        super().__init__(f"{what}: {problem}")


def read_token_file(path: Path) -> str:
    """The one line of a file that its owner alone may read. Raises TokenUnusable."""
    where = f"The token file {path}"
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MOST_BYTES)
    except OSError as error:
        raise TokenUnusable(where, f"{error.strerror or error}.") from error
    if not stat.S_ISREG(mode):
        raise TokenUnusable(where, "it is no regular file.")
    _check_mode(path, mode, where)
    return checked_token(content.decode("latin-1"), where)


def check_mode(path: Path, what: str) -> None:
    """Raises TokenUnusable when others than the owner may use the file that holds a secret."""
    _check_mode(path, path.stat().st_mode, what)


def _check_mode(path: Path, mode: int, what: str) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        problem = f"others may use it (mode {stat.S_IMODE(mode):04o}). Run `chmod 600 {path}`."
        raise TokenUnusable(what, problem)


def checked_token(text: str, what: str) -> str:
    """The token without the space around it. Raises TokenUnusable when it cannot be one."""
    token = text.strip()
    if not token:
        raise TokenUnusable(what, "it is empty.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise TokenUnusable(what, "it must hold the token alone, on one line.")
    return token
