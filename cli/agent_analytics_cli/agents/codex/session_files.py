"""Finds and reads Codex's rollouts: `sessions/YYYY/MM/DD/rollout-<time>-<thread id>.jsonl`.

Archived ones lie in `archived_sessions`; some versions pack old ones. Resuming appends to the
same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent_analytics_cli.agents.codex.session_lines import Rollout
from agent_analytics_cli.agents.json_lines import find_files, read_lines
from agent_analytics_cli.agents.session_file import Reading, Record, SessionFile, Trouble
from agent_analytics_cli.machine import codex_home
from agent_analytics_collector.line_hashes import LineHasher

_FOLDERS = ("archived_sessions", "sessions")
_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")


def codex_dir(home: Path | None = None) -> Path:
    """`home/.codex`, or the user's own folder with CODEX_HOME honoured."""
    return home / ".codex" if home else codex_home()


def find_session_files(folder: Path, trouble: Trouble) -> list[SessionFile]:
    """The rollouts of a Codex folder, in order of path; none when it is not there."""
    return [
        file
        for name in _FOLDERS
        for file in find_files(folder, folder / name, lambda name: name.endswith(_ENDINGS), trouble)
    ]


def read_session_file(
    file: SessionFile,
    trouble: Trouble,
    reading: Reading | None = None,
    hasher: LineHasher | None = None,
) -> Iterator[Record]:
    """The records of one rollout, from `reading` on; of edits only with a hasher.

    Damaged lines are counted in `trouble` and left out.
    """
    reading = reading or Reading()
    rollout = Rollout(file, hasher)
    if reading.context:
        rollout.take_up(reading.context)
    for line in read_lines(file, trouble, reading):
        yield from rollout.records_of(line)
    reading.context = rollout.kept()
