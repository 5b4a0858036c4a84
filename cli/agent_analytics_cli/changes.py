"""Changes to the user's own files: shown before they are made, made whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_analytics_collector.errors import AgentAnalyticsError


class ChangeRefused(AgentAnalyticsError):
    """A file of the user's is left alone, and why."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path} is left as it is: {problem}")


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a file holds and what it shall hold; None where there is no file."""

    path: Path
    before: bytes | None
    after: bytes | None
    why: str
    """A few words for the person who is asked."""
    mode: int | None = None
    """Permission bits to set; None keeps them, and gives a new file 0600."""

    @property
    def is_change(self) -> bool:
        return self.before != self.after

    def diff(self) -> str:
        """The exact difference, as `diff -u` prints it; "" when there is none.

        Secrets are in it: `masked` hides them.
        """
        if not self.is_change:
            return ""
        lines = difflib.unified_diff(
            _lines(self.before),
            _lines(self.after),
            "/dev/null" if self.before is None else str(self.path),
            "/dev/null" if self.after is None else str(self.path),
        )
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )


def result_of(
    changed: Iterable[tuple[Path, str]], left_alone: Sequence[str], *, diff: str | None
) -> dict[str, Any]:
    """What every command that changes files prints with `--json`; `diff` is that of a dry run.

    `changed` is (path, why) of what was changed, in a dry run of what would be.
    """
    return {
        "dry_run": diff is not None,
        "changed": [{"path": str(path), "why": why} for path, why in changed],
        "left_alone": left_alone,
        "diff": diff,
    }


def read_for_change(path: Path) -> bytes | None:
    """The content of a file that may be changed; None when there is none. Raises ChangeRefused."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ChangeRefused(path, f"it cannot be looked at: {error.strerror}") from error
    if stat.S_ISLNK(found.st_mode):
        raise ChangeRefused(
            path,
            f"it is a link to {os.readlink(path)}, which something else may manage. Put a file in "
            "its place, then run this again",
        )
    if not stat.S_ISREG(found.st_mode):
        raise ChangeRefused(path, "it is no regular file")
    if not found.st_mode & stat.S_IWUSR:
        raise ChangeRefused(path, f"it is read-only. `chmod u+w {path}`, then run this again")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ChangeRefused(path, f"it cannot be read: {error.strerror}") from error


def apply(change: FileChange) -> None:
    """Replace the file at once; its permissions stay. Raises ChangeRefused.

    That also when the file is no longer as it was when the change was planned.
    """
    path = change.path
    if read_for_change(path) != change.before:
        raise ChangeRefused(path, "it was changed by somebody else meanwhile; try again")
    try:
        if change.after is None:
            path.unlink(missing_ok=True)
            return
        found = None if change.before is None else path.stat()
        mode = change.mode
        if mode is None:
            mode = 0o600 if found is None else stat.S_IMODE(found.st_mode)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, change.after, mode, found)
    except OSError as error:
        raise ChangeRefused(path, f"it cannot be written: {error.strerror}") from error


def write_atomically(
    path: Path, content: bytes, mode: int = 0o600, owner: os.stat_result | None = None
) -> None:
    """Replace `path`, durably; a reader sees the old file or the new one. Raises OSError.

    `owner` is the file replaced: run by root, a user's file stays the user's.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_temporary_prefix(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if owner is not None and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                with contextlib.suppress(PermissionError):
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed process left of a new version of `path`; nobody else may write it."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(path.parent)):
            if entry.name.startswith(_temporary_prefix(path)):
                os.unlink(entry.path)


def missing_folders(folder: Path) -> list[Path]:
    """Folders that have to be made for `folder` to exist, outermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    return missing


def create_folders(folder: Path, mode: int = 0o755) -> list[Path]:
    """Make `folder`; the folders that had to be made, outermost first, so they can be undone."""
    missing = missing_folders(folder)
    for made in missing:
        made.mkdir(mode=mode)
    return missing


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with `secrets`, and whatever looks like one, as `****`.

    That is what a name such as `api_key` announces, credentials in an address, curl's `-u`.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "****")
    for pattern in (_AUTHORIZATION, _IN_ADDRESS, _USER_OPTION):
        text = pattern.sub(r"\1****", text)
    return _SECRET.sub(_mask, text)


_SECRET = re.compile(
    # a name, in quotes or not; what sets it (`:`, `=`, or a space after fish's `set -x`); a value
    r"""(?P<name>["']?[\w.-]*(?:key|token|secret|passw(?:or)?d|credential|(?<![^\W_])pat)s?["']?)"""
    r"""(?P<sets>[ \t]*[:=][ \t]*|(?-i:(?<=[A-Z]))[ ])"""
    r"""(?P<value>"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"',;{}\[\]]+)""",
    re.IGNORECASE,
)
# To the end of the string: its scheme may be any, and what follows has blanks and commas.
_AUTHORIZATION = re.compile(
    r"""(authorization["']?\s*[=:]\s*["']?)(?:\\.|[^"'\\\n])+""", re.IGNORECASE
)
_IN_ADDRESS = re.compile(r"""(://)[^/\s"']+(?=@)""")
_USER_OPTION = re.compile(r"""((?<!\S)(?:-u|--(?:proxy-)?user)[ =]?["']?[^\s"':]+:)[^\s"']+""")
_NO_SECRET = re.compile(r"null|~|true|false|[\d.]+|\"\"|''", re.IGNORECASE)


def _mask(found: re.Match[str]) -> str:
    value = found["value"]
    if _NO_SECRET.fullmatch(value):
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{found['name']}{found['sets']}{quote}****{quote}"


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}.agent-analytics-"


def _lines(content: bytes | None) -> list[str]:
    # Only \n ends a line; what is no UTF-8 is shown escaped, so that it can be printed.
    text = (content or b"").decode("utf-8", "backslashreplace")
    return re.findall(r"[^\n]*\n|[^\n]+", text)
