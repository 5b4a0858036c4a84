"""Finds and reads Gemini CLI's chats: `tmp/<project>/chats/session-<time>-<id>.jsonl`.

Older versions wrote one JSON document, `.json`. Sub-agents have a file of their own in
`chats/<session id>/`. `<project>` is a name or the SHA-256 of the project's path; the path itself
is in `.project_root` beside `chats`, or in `projects.json`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import orjson

from agent_analytics_cli.agents.gemini_cli.session_lines import Chat
from agent_analytics_cli.agents.json_lines import find_files, read_document, read_lines
from agent_analytics_cli.agents.kept_values import mapping, path
from agent_analytics_cli.agents.session_file import Reading, Record, SessionFile, Trouble
from agent_analytics_cli.machine import gemini_dir
from agent_analytics_collector.line_hashes import LineHasher

_ENDINGS = (".json", ".jsonl")
_LONGEST_PATH_FILE = 1024 * 1024
"""Bytes; `projects.json` has a line for each project."""


def gemini_folder(home: Path | None = None) -> Path:
    """`home/.gemini`, or the user's own folder with GEMINI_CLI_HOME honoured."""
    return home / ".gemini" if home else gemini_dir()


def find_session_files(folder: Path, trouble: Trouble) -> list[SessionFile]:
    """The chats of a Gemini CLI folder, in order of path; none when it is not there."""
    try:
        projects = sorted(os.listdir(folder / "tmp"))
    except FileNotFoundError:
        return []
    except OSError as error:
        trouble.cannot_read(folder / "tmp", error)
        return []
    chats = (folder / "tmp" / name / "chats" for name in projects)
    return [
        file
        for start in chats
        if start.is_dir()
        for file in find_files(folder, start, lambda name: name.endswith(_ENDINGS), trouble)
    ]


def read_session_file(
    file: SessionFile,
    trouble: Trouble,
    reading: Reading | None = None,
    hasher: LineHasher | None = None,
) -> Iterator[Record]:
    """The records of one chat, from `reading` on; of a `.json` always all.

    Of edits only with a hasher. Damaged lines are counted in `trouble` and left out.
    """
    reading = reading or Reading()
    folder = file.path.parent
    parent = None
    if folder.name != "chats":
        folder, parent = folder.parent, folder.name
    chat = Chat(file.source_file, _project_path(folder.parent), parent, hasher)
    if file.path.suffix == ".json":
        document = read_document(file, trouble)
        yield from chat.records_of(document or {})
        return
    if reading.context:
        chat.take_up(reading.context)
    for line in read_lines(file, trouble, reading):
        yield from chat.records_of(line)
    reading.context = chat.kept()


def _project_path(folder: Path) -> str | None:
    """The project that a folder in `tmp` belongs to; None when nothing here tells."""
    if found := path(_text(folder / ".project_root").strip()):
        return found
    try:
        projects = mapping(orjson.loads(_text(folder.parent.parent / "projects.json")))
    except orjson.JSONDecodeError:
        return None
    for project, name in mapping(projects.get("projects")).items():
        digest = hashlib.sha256(project.encode()).hexdigest()
        if folder.name in (name, digest):
            return path(project)
    return None


def _text(file: Path) -> str:
    """What a small file says; nothing when it cannot be read."""
    try:
        if not file.is_file():
            return ""
        with open(file, "rb") as opened:
            return opened.read(_LONGEST_PATH_FILE).decode(errors="replace")
    except OSError:
        return ""
