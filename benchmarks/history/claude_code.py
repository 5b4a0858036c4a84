"""Session files as Claude Code 2.1.330 writes them, of sessions that never happened."""

from __future__ import annotations

import difflib
import random
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks.history.truth import text_of_lines

_MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929")


class ClaudeCode:
    """One session; its lines are kept until `save`."""

    agent = "claude_code"

    def __init__(self, chance: random.Random, folder: Path, at: datetime) -> None:
        self._chance, self._folder = chance, folder
        self.session_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        self._model = chance.choice(_MODELS)
        self._prompt_id = ""
        self._lines: list[dict[str, Any]] = []

    def prompt(self, at: datetime, text: str) -> None:
        self._prompt_id = self._uuid()
        message = {"role": "user", "content": text}
        self._add("user", at, promptId=self._prompt_id, message=message, promptSource="cli")

    def edit(self, at: datetime, path: str, old: Sequence[str] | None, new: Sequence[str]) -> None:
        """A new file (`old` is None), or one that is changed."""
        place = str(self._folder / path)
        if old is None:
            content = text_of_lines(new)
            call = {"name": "Write", "input": {"file_path": place, "content": content}}
            result: dict[str, Any] = {
                "type": "create", "filePath": place, "content": content, "structuredPatch": [],
                "originalFile": None, "userModified": False,
            }  # fmt: skip
            said = f"File created successfully at: {place}"
        else:
            hunks = _hunks(old, new)
            texts = {"old_string": _side(hunks, "-"), "new_string": _side(hunks, "+")}
            call = {"name": "Edit", "input": {"file_path": place} | texts}
            result = {
                "filePath": place, "oldString": texts["old_string"],
                "newString": texts["new_string"], "originalFile": text_of_lines(old),
                "structuredPatch": hunks, "userModified": False, "replaceAll": False,
            }  # fmt: skip
            said = f"The file {place} has been updated successfully."
        self._call(at, call, said, result)

    def shell(self, at: datetime, command: str, output: str, commit: str | None = None) -> None:
        """A command; `commit` is the hash of what it committed."""
        result: dict[str, Any] = {
            "stdout": output, "stderr": "", "interrupted": False, "isImage": False,
            "noOutputExpected": False,
        }  # fmt: skip
        if commit:
            told = {"sha": commit[:7], "kind": "committed", "branch": "main"}
            result["gitOperation"] = {"commit": told}
        call = {"name": "Bash", "input": {"command": command, "description": "Run"}}
        self._call(at, call, output, result)

    def save(self, user_home: Path) -> None:
        project = str(self._folder).replace("/", "-").replace("_", "-")
        path = user_home / ".claude" / "projects" / project / f"{self.session_id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in self._lines))

    def _call(self, at: datetime, call: dict[str, Any], said: str, result: dict[str, Any]) -> None:
        call_id = f"toolu_{self._chance.getrandbits(96):024x}"
        usage = {
            "input_tokens": self._chance.randrange(1, 40),
            "cache_creation_input_tokens": self._chance.randrange(4000),
            "cache_read_input_tokens": self._chance.randrange(10_000, 90_000),
            "output_tokens": self._chance.randrange(50, 3000), "service_tier": "standard",
        }  # fmt: skip
        message = {
            "id": f"msg_{self._chance.getrandbits(96):024x}", "type": "message",
            "role": "assistant", "model": self._model, "stop_reason": "tool_use",
            "content": [{"type": "tool_use", "id": call_id} | call], "usage": usage,
        }  # fmt: skip
        request = f"req_{self._chance.getrandbits(80):020x}"
        self._add("assistant", at, message=message, requestId=request)
        block = {"tool_use_id": call_id, "type": "tool_result", "content": said}
        answer = {"role": "user", "content": [block]}
        self._add("user", at, promptId=self._prompt_id, message=answer, toolUseResult=result)

    def _add(self, kind: str, at: datetime, **more: Any) -> None:
        self._lines.append(
            {
                "parentUuid": self._uuid(), "isSidechain": False, "type": kind,
                "uuid": self._uuid(), "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
                "userType": "external", "entrypoint": "cli", "cwd": str(self._folder),
                "sessionId": self.session_id, "version": "2.1.330", "gitBranch": "main",
            }
            | more
        )  # fmt: skip

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[dict[str, Any]]:
    """What `structuredPatch` has, three lines of context around every change."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    hunks = []
    for group in matcher.get_grouped_opcodes(3):
        lines: list[str] = []
        for tag, i, j, k, m in group:
            if tag == "equal":
                lines += [f" {line}" for line in old[i:j]]
                continue
            lines += [f"-{line}" for line in old[i:j]] + [f"+{line}" for line in new[k:m]]
        first, last = group[0], group[-1]
        hunks.append(
            {"oldStart": first[1] + 1, "oldLines": last[2] - first[1], "newStart": first[3] + 1,
             "newLines": last[4] - first[3], "lines": lines}
        )  # fmt: skip
    return hunks


def _side(hunks: list[dict[str, Any]], sign: str) -> str:
    lines = (line for hunk in hunks for line in hunk["lines"])
    return "".join(f"{line[1:]}\n" for line in lines if line[0] in (" ", sign))
