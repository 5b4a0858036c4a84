"""Finds and reads Copilot CLI's sessions: `session-state/<session id>/events.jsonl`.

Before they had a folder they were `session-state/<session id>.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent_analytics_cli.agents.copilot_cli.session_lines import Session
from agent_analytics_cli.agents.json_lines import find_files, read_lines
from agent_analytics_cli.agents.session_file import Reading, Record, SessionFile, Trouble
from agent_analytics_cli.machine import copilot_home
from agent_analytics_collector.line_hashes import LineHasher

_FOLDER = "session-state"
_EVENTS = "events.jsonl"


def copilot_folder(home: Path | None = None) -> Path:
    """`home/.copilot`, or the user's own folder with COPILOT_HOME honoured."""
    return home / ".copilot" if home else copilot_home()


def find_session_files(folder: Path, trouble: Trouble) -> list[SessionFile]:
    """The sessions of a Copilot CLI folder, in order of path; none when it is not there.

    Files that an agent made for itself lie beside `events.jsonl` and are no sessions.
    """
    start = folder / _FOLDER
    found = find_files(folder, start, lambda name: name.endswith(".jsonl"), trouble)
    return [
        file
        for file in found
        if file.path.parent == start
        or (file.path.name == _EVENTS and file.path.parent.parent == start)
    ]


def read_session_file(
    file: SessionFile,
    trouble: Trouble,
    reading: Reading | None = None,
    hasher: LineHasher | None = None,
) -> Iterator[Record]:
    """The records of one session, from `reading` on; of edits only with a hasher.

    Damaged lines are counted in `trouble` and left out.
    """
    reading = reading or Reading()
    named = file.path.parent.name if file.path.name == _EVENTS else file.path.stem
    session = Session(file.source_file, named, hasher)
    if reading.context:
        session.take_up(reading.context)
    for line in read_lines(file, trouble, reading):
        yield from session.records_of(line)
    reading.context = session.kept()
