"""Rollouts as Codex 0.169.0 writes them, of sessions that never happened."""

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

_MODELS = ("gpt-5.5", "gpt-5.1-codex")


class Codex:
    """One session; its lines are kept until `save`.

    A rollout tells of a patch twice, as the call's input and as an event. Every third one has no
    events, as those of older versions.
    """

    agent = "codex"

    def __init__(self, chance: random.Random, folder: Path, at: datetime) -> None:
        self._chance, self._folder, self._began = chance, folder, at
        self.session_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        self._has_events = chance.random() < 0.67
        self._turn_id = ""
        self._total = {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0}
        self._lines: list[dict[str, Any]] = []
        self._add("session_meta", at, {
            "session_id": self.session_id, "id": self.session_id, "timestamp": _text(at),
            "cwd": str(folder), "originator": "codex_cli", "cli_version": "0.169.0",
            "source": "cli", "thread_source": "user", "model_provider": "openai",
            "git": {"branch": "main", "repository_url": "git@github.com:acme/widgets.git"},
        })  # fmt: skip
        self._model = chance.choice(_MODELS)

    def prompt(self, at: datetime, text: str) -> None:
        self._turn_id = self._id()
        self._event(at, {"type": "task_started", "turn_id": self._turn_id})
        told = {"turn_id": self._turn_id, "cwd": str(self._folder), "model": self._model}
        self._add("turn_context", at, told)
        message = {"type": "UserMessage", "id": self._id(),
                   "content": [{"type": "text", "text": text}]}  # fmt: skip
        self._completed(at, message)

    def edit(self, at: datetime, path: str, old: Sequence[str] | None, new: Sequence[str]) -> None:
        """A new file (`old` is None), or one that is changed."""
        call_id = f"call_{self._chance.getrandbits(80):020x}"
        place = str(self._folder / path)
        if old is None:
            patch = [f"*** Add File: {path}", *(f"+{line}" for line in new)]
            change: dict[str, Any] = {"type": "add", "content": text_of_lines(new)}
        else:
            diff = [line.rstrip("\n") for line in difflib.unified_diff(old, new, n=3)][2:]
            hunks = ["@@" if line.startswith("@@") else line for line in diff]
            patch = [f"*** Update File: {path}", *hunks]
            change = {"type": "update", "unified_diff": text_of_lines(diff), "move_path": None}
        told = "\n".join(["*** Begin Patch", *patch, "*** End Patch", ""])
        self._add("response_item", at, {
            "type": "custom_tool_call", "status": "completed", "call_id": call_id,
            "name": "apply_patch", "input": told,
        })  # fmt: skip
        self._usage(at)
        done = f"Success. Updated the following files:\n{'M' if old else 'A'} {path}\n"
        if self._has_events:
            self._completed(at, {
                "type": "FileChange", "id": call_id, "changes": {place: change},
                "status": "completed", "stdout": done, "stderr": "",
            })  # fmt: skip
        output = f"Exit code: 0\nWall time: 0.1 seconds\nOutput:\n{done}"
        told_output = {"type": "custom_tool_call_output", "call_id": call_id, "output": output}
        self._add("response_item", at, told_output)

    def shell(self, at: datetime, command: str, output: str, commit: str | None = None) -> None:
        """A command; what it committed stands in its output."""
        call_id = f"call_{self._chance.getrandbits(80):020x}"
        self._add("response_item", at, {
            "type": "function_call", "name": "exec_command", "call_id": call_id,
            "arguments": orjson.dumps({"cmd": command}).decode(),
        })  # fmt: skip
        self._usage(at)
        self._completed(at, {
            "type": "CommandExecution", "id": call_id, "command": ["/bin/bash", "-lc", command],
            "cwd": f"file://{self._folder}", "status": "completed", "exit_code": 0,
            "aggregated_output": output, "duration": {"secs": 0, "nanos": 8640},
        })  # fmt: skip
        head = "Chunk ID: 9522f5\nWall time: 0.0 seconds\nProcess exited with code 0\nOutput:\n"
        self._add(
            "response_item", at,
            {"type": "function_call_output", "call_id": call_id, "output": head + output},
        )  # fmt: skip

    def save(self, user_home: Path) -> None:
        folder = user_home / ".codex" / "sessions" / f"{self._began:%Y/%m/%d}"
        path = folder / f"rollout-{self._began:%Y-%m-%dT%H-%M-%S}-{self.session_id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in self._lines))

    def _usage(self, at: datetime) -> None:
        last = {
            "input_tokens": self._chance.randrange(8_000, 60_000), "cached_input_tokens": 6_000,
            "output_tokens": self._chance.randrange(50, 3_000),
        }  # fmt: skip
        self._total = {name: self._total[name] + value for name, value in last.items()}
        self._add("token_usage_record", at, {
            "thread_id": self.session_id, "turn_id": self._turn_id,
            "response_id": f"resp_{self._chance.getrandbits(96):024x}", "usage": last,
            "thread_token_usage": self._total,
        })  # fmt: skip

    def _completed(self, at: datetime, item: dict[str, Any]) -> None:
        told = {"thread_id": self.session_id, "turn_id": self._turn_id, "item": item}
        self._event(at, {"type": "item_completed"} | told)

    def _event(self, at: datetime, payload: dict[str, Any]) -> None:
        self._add("event_msg", at, payload)

    def _add(self, kind: str, at: datetime, payload: dict[str, Any]) -> None:
        self._lines.append(
            {"timestamp": _text(at), "ordinal": len(self._lines), "type": kind, "payload": payload}
        )

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.000Z}"
