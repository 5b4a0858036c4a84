"""What edits took out of files and put in, by the texts that tell of them: no text is kept.

Lines are those between line feeds, as git has them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

NOTEBOOK = "notebook_path"
PATHS = ("file_path", NOTEBOOK, "absolute_path", "path")
OLD_TEXTS = ("old_string", "old_str")
NEW_TEXTS = ("new_string", "new_str", "new_source", "content", "file_text", "insert_text")
BEGIN_PATCH = "*** Begin Patch"
MOST_LINES = 20_000
"""Lines of either kind that are hashed of one edit; who writes more generates."""
_PATCH = re.compile(r"\*\*\* Begin Patch\n.*?(?=\n\*\*\* End Patch|\Z)", re.DOTALL)
_FILE = re.compile(r"\*\*\* (?:Add|Update) File: (.+)")
_OTHER_FILE = re.compile(r"\*\*\* (?:Delete File: |End Patch)")
_MOVED = re.compile(r"\*\*\* Move to: (.+)")


@dataclass(frozen=True, slots=True)
class FileEdit:
    """What one edit changed in one file."""

    path: str
    """As it was told: absolute, or relative to where the tool ran."""
    added: Sequence[str]
    removed: Sequence[str]


def from_texts(path: str, old: str, new: str) -> FileEdit:
    """The edit that made one text of another; a line that only moved is none of it."""
    was, now = lines_of(old), lines_of(new)
    return FileEdit(path, _beyond(now, was), _beyond(was, now))


def from_diff(path: str, lines: Iterable[str]) -> FileEdit:
    """The edit that lines of unified hunks tell."""
    added, removed = [], []
    for line in lines:
        if line.startswith("+"):
            added.append(line[1:])
        elif line.startswith("-"):
            removed.append(line[1:])
    return FileEdit(path, added, removed)


def from_unified_diff(path: str, text: str) -> FileEdit:
    """The edit of one file's unified diff, whatever stands before its first hunk."""
    lines = lines_of(text)
    begin = next((at for at, line in enumerate(lines) if line.startswith("@@")), len(lines))
    return from_diff(path, lines[begin:])


def from_patch(text: str) -> list[FileEdit]:
    """The edits of a patch as Codex writes them, file by file; deleted files have no lines."""
    found: list[tuple[str, list[str]]] = []
    lines: list[str] = []
    for line in lines_of(text):
        if file := _FILE.match(line):
            lines = []
            found.append((file[1].strip(), lines))
        elif found and (moved := _MOVED.match(line)):
            found[-1] = (moved[1].strip(), lines)
        elif _OTHER_FILE.match(line):
            lines = []
        else:
            lines.append(line)
    return [from_diff(path, lines) for path, lines in found]


def from_arguments(told: object) -> list[FileEdit]:
    """The edits that a tool was asked for, by its arguments: JSON, the object, or a patch.

    None for a tool that edits nothing, or a notebook: its cells are not the lines of its file.
    """
    if isinstance(told, str):
        if not told.startswith("{"):
            return from_patch(told) if told.startswith(BEGIN_PATCH) else []
        try:
            told = orjson.loads(told)
        except orjson.JSONDecodeError:
            return []
    if not isinstance(told, dict):
        return []
    path = next((told[name] for name in PATHS if isinstance(told.get(name), str)), None)
    if path is None or NOTEBOOK in told:
        patch = patch_in(told)
        return from_patch(patch) if patch else []
    edits = told.get("edits")
    each = [edit for edit in edits if isinstance(edit, dict)] if isinstance(edits, list) else []
    found = [edit for one in (told, *each) if (edit := _replacement(path, one))]
    if len(found) < 2:
        return found
    added = [line for edit in found for line in edit.added]
    return [FileEdit(path, added, [line for edit in found for line in edit.removed])]


def patch_in(arguments: dict[str, Any]) -> str | None:
    """The patch that a shell's command or another argument holds."""
    for value in arguments.values():
        words = value if isinstance(value, list) else [value]
        for word in words:
            if isinstance(word, str) and BEGIN_PATCH in word and (patch := _PATCH.search(word)):
                return patch[0]
    return None


def lines_of(text: str) -> list[str]:
    """The lines of a text, without their ends."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _replacement(path: str, told: dict[str, Any]) -> FileEdit | None:
    old, new = (
        next((told[name] for name in names if isinstance(told.get(name), str)), None)
        for names in (OLD_TEXTS, NEW_TEXTS)
    )
    return None if old is None and new is None else from_texts(path, old or "", new or "")


def _beyond(lines: list[str], others: list[str]) -> list[str]:
    """The lines that the others do not have, or not as often."""
    if not others:
        return lines
    left = Counter(others)
    found = []
    for line in lines:
        if left.get(line, 0):
            left[line] -= 1
        else:
            found.append(line)
    return found
