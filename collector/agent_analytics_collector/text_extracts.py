"""Facts in the text that agents send: commands, files, line counts, commits, exit codes.

Every function takes one text and returns the facts it finds, by the name they are stored under;
none returns words of the text but names of programs, files, commits and branches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import orjson

from agent_analytics_collector.edit_texts import (
    MOST_LINES,
    NEW_TEXTS,
    OLD_TEXTS,
    PATHS,
    from_arguments,
)
from agent_analytics_collector.line_hashes import LineHasher
from agent_analytics_collector.otlp.values import Attributes

# fmt: off
_MULTI_COMMAND = frozenset((
    "apt", "apt-get", "brew", "bun", "bundle", "cargo", "composer", "conda", "dbt", "docker",
    "dotnet", "flutter", "gh", "git", "glab", "go", "helm", "kubectl", "npm", "pip", "pip3",
    "pipx", "pnpm", "podman", "poetry", "rustup", "systemctl", "terraform", "tofu", "uv", "yarn",
))
# fmt: on
_SHELLS = frozenset(("bash", "sh", "zsh", "dash"))
_GIT_OPTIONS_WITH_VALUE = frozenset(("-C", "-c", "--git-dir", "--work-tree", "--namespace"))

_TOKEN = re.compile(
    r"""[ \t\r]*(?:
        (?P<redirection>\d?[<>]+(?:&\d?)?)
      | (?P<separator>[;&|()\n]+)
      | (?P<word>(?:[^\s;&|()<>'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_QUOTES = re.compile(r"""['"\\]""")

_PROGRAM = re.compile(r"[A-Za-z0-9_.+-]{1,40}")
_SUB_COMMAND = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.:/@+-]{1,128}")
_PATH = re.compile(r"[^\x00-\x1f]{1,512}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_EXIT_CODE = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,10})\s*$", re.MULTILINE)
_COMMITTED = re.compile(r"^\[([^\]\n]+?)(?: \(root-commit\))? ([0-9a-f]{7,64})\] ", re.MULTILINE)
_PATCHED_FILE = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", re.MULTILINE)

_NAMES = ("mcp_server_name", "mcp_tool_name", "skill_name", "subagent_type")
_COMMANDS = ("full_command", "command", "cmd", "bash_command")


def from_patch_or_arguments(text: str) -> Attributes:
    """Facts of a tool's arguments: JSON, or the patch that Codex 0.169.0 hands over bare."""
    if text.startswith("*** Begin Patch"):
        return _from_patch(text)
    arguments = _object(text)
    facts: Attributes = {}
    for name in PATHS:
        if _matches(_PATH, arguments.get(name)):
            facts["file_path"] = arguments[name]
            break
    facts |= {
        name: arguments[name] for name in _NAMES if _matches(_IDENTIFIER, arguments.get(name))
    }
    if _matches(_COMMIT, arguments.get("git_commit_id")):
        facts["git_commit_id"] = arguments["git_commit_id"]
    if _matches(_IDENTIFIER, arguments.get("git_branch")):
        facts["git_branch"] = arguments["git_branch"]
    for name in _COMMANDS:
        if command := arguments.get(name):
            facts |= from_command(command)
            break
    return facts | _line_counts(arguments)


def from_edits(text: str, hasher: LineHasher) -> Attributes:
    """Keyed hashes of the lines that a tool's arguments put into files and take out.

    One line per file in each: `edited_files` its path, the others its hashes with spaces between.
    """
    edits = [edit for edit in from_arguments(text) if _matches(_PATH, edit.path)]
    if not edits:
        return {}
    added = (hasher.of_all(edit.added[:MOST_LINES]) for edit in edits)
    removed = (hasher.of_all(edit.removed[:MOST_LINES]) for edit in edits)
    return {
        "edited_files": "\n".join(edit.path for edit in edits),
        "added_line_hashes": "\n".join(map(" ".join, added)),
        "removed_line_hashes": "\n".join(map(" ".join, removed)),
    }


def from_command(command: str | list[Any]) -> Attributes:
    """Programs that a shell line runs: `command` is the first, `commands` all of them.

    Of programs like git the sub-command belongs to the name; arguments never do.
    """
    if isinstance(command, list):
        words = [word for word in command if isinstance(word, str)]
        if len(words) == 3 and words[0].rpartition("/")[2] in _SHELLS and words[1] in ("-c", "-lc"):
            return from_command(words[2])
        name = _program(words)
        names = [name] if name else []
    elif isinstance(command, str):
        names = list(dict.fromkeys(filter(None, map(_program, _simple_commands(command)))))
    else:
        names = []
    return {"command": names[0], "commands": [*names]} if names else {}


def from_edit_counts(text: str) -> Attributes:
    """Line counts that Gemini CLI 0.61.0 sends with an edit, as a real diff counts them."""
    counts = _object(text)
    facts: Attributes = {}
    for who, prefix in (("model", ""), ("user", "user_")):
        for what in ("added", "removed"):
            count = counts.get(f"{who}_{what}_lines")
            if type(count) is int:
                facts[f"{prefix}lines_{what}"] = count
    return facts


def from_tool_output(text: str) -> Attributes:
    """Exit code, and the commit that git's own line `[branch sha] subject` names."""
    facts: Attributes = {}
    if found := _EXIT_CODE.search(text):
        facts["exit_code"] = int(found[1])
    if commits := _COMMITTED.findall(text):
        branch, facts["git_commit_id"] = commits[-1]
        if _matches(_IDENTIFIER, branch):  # not "detached HEAD"
            facts["git_branch"] = branch
    return facts


def _from_patch(text: str) -> Attributes:
    lines = text.split("\n")
    facts: Attributes = {
        "lines_added": sum(line.startswith("+") for line in lines),
        "lines_removed": sum(line.startswith("-") for line in lines),
    }
    files: list[str] = [name for name in _PATCHED_FILE.findall(text) if _matches(_PATH, name)]
    if files:
        facts["file_path"] = files[0]
    if len(files) > 1:
        facts["file_paths"] = [*files]
    return facts


def _line_counts(arguments: dict[str, Any]) -> Attributes:
    """Lines of the old and the new text of an edit; of a whole file only the new ones are known."""
    edits = arguments.get("edits")
    each = [edit for edit in edits if isinstance(edit, dict)] if isinstance(edits, list) else []
    facts: Attributes = {}
    for fact, names in (("lines_removed", OLD_TEXTS), ("lines_added", NEW_TEXTS)):
        texts = [edit.get(name) for edit in (arguments, *each) for name in names]
        counts = [_lines(text) for text in texts if isinstance(text, str)]
        if counts:
            facts[fact] = sum(counts)
    return facts


def _lines(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") if text else 0)


def _simple_commands(line: str) -> Iterator[list[str]]:
    """Words of each command of a shell line, up to the first here-document or open quote.

    Not shlex: that takes 100 µs a line where this takes 5, and the row around it 20.
    """
    words: list[str] = []
    place, is_target = 0, False
    while token := _TOKEN.match(line, place):
        place = token.end()
        if redirection := token["redirection"]:
            if redirection.startswith("<<"):
                break
            is_target = "&" not in redirection
        elif token["separator"]:
            yield words
            words, is_target = [], False
        else:
            if not is_target:
                words.append(_QUOTES.sub("", token["word"]))
            is_target = False
    yield words


def _program(words: list[str]) -> str | None:
    """Name of the program that the words run, with its sub-command if it has such."""
    rest = iter(words)
    first = next((word for word in rest if not _ASSIGNMENT.fullmatch(word)), "")
    name = PurePosixPath(first).name
    if not _PROGRAM.fullmatch(name):
        return None
    if name not in _MULTI_COMMAND:
        return name
    second = next(rest, "")
    while name == "git" and second in _GIT_OPTIONS_WITH_VALUE:
        next(rest, "")
        second = next(rest, "")
    return f"{name} {second}" if _SUB_COMMAND.fullmatch(second) else name


def _object(text: str) -> dict[str, Any]:
    with suppress(ValueError):
        found = orjson.loads(text)
        if isinstance(found, dict):
            return found
    return {}


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
