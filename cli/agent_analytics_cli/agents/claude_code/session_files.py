"""Reads Claude Code's session files: `projects/<folder>/<session>.jsonl`, subagents included.

One JSON object a line, appended while the session runs, so the last line may be half written.
"""

from __future__ import annotations

import functools
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from agent_analytics_cli.agents.claude_code.kept_values import branch, identifier, path, timestamp
from agent_analytics_cli.agents.claude_code.session_lines import records_of
from agent_analytics_cli.agents.session_file import Record, SessionFile, Trouble
from agent_analytics_cli.git.repository import NotARepository, find_repository
from agent_analytics_cli.machine import claude_config_dir

_LONGEST_LINE = 32 * 1024 * 1024
"""Bytes. A line holds at most a few pictures; a longer one is no line of Claude Code's."""


def config_dir(home: Path | None = None) -> Path:
    """`home/.claude`, or the user's own folder with CLAUDE_CONFIG_DIR honoured."""
    return home / ".claude" if home else claude_config_dir()


def read_records(folder: Path, trouble: Trouble | None = None) -> Iterator[Record]:
    """The session records of all files of a Claude Code folder, file by file in order of path.

    What could not be read is added to `trouble`.
    """
    trouble = trouble or Trouble()
    for file in find_session_files(folder, trouble):
        yield from read_session_file(file, trouble)


def find_session_files(folder: Path, trouble: Trouble) -> list[SessionFile]:
    """The session files of a Claude Code folder, in order of path; none when it is not there."""
    found = []

    def cannot_list(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            trouble.cannot_read(Path(error.filename), error)

    for parent, _, names in os.walk(folder / "projects", onerror=cannot_list):
        for name in names:
            if not name.endswith(".jsonl"):
                continue
            file = Path(parent, name)
            try:
                about = file.stat()
            except OSError as error:
                trouble.cannot_read(file, error)
                continue
            if stat.S_ISREG(about.st_mode):  # opening a pipe would wait for ever
                relative = os.fsencode(file.relative_to(folder.parent)).decode(errors="replace")
                found.append(SessionFile(file, relative, about.st_size, about.st_mtime_ns))
    return sorted(found, key=lambda file: file.path)


def read_session_file(file: SessionFile, trouble: Trouble) -> Iterator[Record]:
    """The records of one file. Damaged lines are counted in `trouble` and left out."""
    try:
        with open(file.path, "rb") as opened:
            for line in _lines(opened):
                decoded = _decode(line)
                if decoded is None:
                    trouble.damaged_lines += 1
                else:
                    yield from _records(decoded, file.source_file)
    except OSError as error:
        trouble.cannot_read(file.path, error)


def _records(line: dict[str, Any], source_file: str) -> Iterator[Record]:
    session_id, at = identifier(line.get("sessionId")), timestamp(line.get("timestamp"))
    if session_id is None or at is None:
        return
    project_path = path(line.get("cwd"))
    for kind, payload in records_of(line):
        yield {
            "agent": "claude_code",
            "session_id": session_id,
            "kind": kind,
            "timestamp": at,
            "project_path": project_path,
            "git_branch": branch(line.get("gitBranch")),
            "repository": _repository(project_path) if project_path else None,
            "source_file": source_file,
            "payload": payload,
        }


@functools.lru_cache(maxsize=4096)
def _repository(folder: str) -> str | None:
    """Identity of the repository there, as far as this machine can tell."""
    if not os.path.isabs(folder) or not os.path.isdir(folder):
        return None
    try:
        return find_repository(Path(folder)).identity
    except NotARepository:
        return None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines that are not blank; of an overlong one its beginning, which is damaged JSON."""
    while line := file.readline(_LONGEST_LINE):
        rest = line
        while len(rest) == _LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(_LONGEST_LINE)
        if line.strip():
            yield line


def _decode(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None when it is damaged."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _decode_leniently(line)
    return value if isinstance(value, dict) else None


def _decode_leniently(line: bytes) -> Any:
    """The value of a line with bytes that are no UTF-8, or with halves of surrogate pairs.

    The latter come from text that was cut in the middle of a character. Both become `?` or �.
    """
    try:
        value = json.loads(line.decode("utf-8", "replace"))
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
