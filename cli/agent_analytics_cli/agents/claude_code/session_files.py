"""Reads Claude Code's session files: `projects/<folder>/<session>.jsonl`, subagents included.

One JSON object a line, appended while the session runs, so the last line may be half written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent_analytics_cli.agents.claude_code.session_lines import records_of
from agent_analytics_cli.agents.json_lines import find_files, read_lines
from agent_analytics_cli.agents.kept_values import branch, identifier, path, timestamp
from agent_analytics_cli.agents.session_context import repository_at
from agent_analytics_cli.agents.session_file import Reading, Record, SessionFile, Trouble
from agent_analytics_cli.machine import claude_config_dir
from agent_analytics_collector.line_hashes import LineHasher


def config_dir(home: Path | None = None) -> Path:
    """`home/.claude`, or the user's own folder with CLAUDE_CONFIG_DIR honoured."""
    return home / ".claude" if home else claude_config_dir()


def read_records(
    folder: Path, trouble: Trouble | None = None, hasher: LineHasher | None = None
) -> Iterator[Record]:
    """The session records of all files of a Claude Code folder, file by file in order of path.

    What could not be read is added to `trouble`.
    """
    trouble = trouble or Trouble()
    for file in find_session_files(folder, trouble):
        yield from read_session_file(file, trouble, None, hasher)


def find_session_files(folder: Path, trouble: Trouble) -> list[SessionFile]:
    """The session files of a Claude Code folder, in order of path; none when it is not there."""
    return find_files(folder, folder / "projects", lambda name: name.endswith(".jsonl"), trouble)


def read_session_file(
    file: SessionFile,
    trouble: Trouble,
    reading: Reading | None = None,
    hasher: LineHasher | None = None,
) -> Iterator[Record]:
    """The records of one file, from `reading` on; of edits only with a hasher.

    Damaged lines are counted in `trouble` and left out.
    """
    for line in read_lines(file, trouble, reading, _matters):
        yield from _records(line, file.source_file, hasher)


def _matters(line: bytes) -> bool:
    """False only for lines without any record: these all come from a member `message`.

    Its name may be written with escapes.
    """
    return b'"message"' in line or b"\\u00" in line


def _records(line: dict[str, Any], source_file: str, hasher: LineHasher | None) -> Iterator[Record]:
    session_id, at = identifier(line.get("sessionId")), timestamp(line.get("timestamp"))
    if session_id is None or at is None:
        return
    project_path = path(line.get("cwd"))
    for kind, payload in records_of(line, hasher):
        yield {
            "agent": "claude_code",
            "session_id": session_id,
            "kind": kind,
            "timestamp": at,
            "project_path": project_path,
            "git_branch": branch(line.get("gitBranch")),
            "repository": repository_at(project_path) if project_path else None,
            "source_file": source_file,
            "payload": payload,
        }
