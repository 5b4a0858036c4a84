"""Claude Code transcripts that never happened: `python -m benchmarks.transcripts FOLDER MB`.

Line types, names and ids are those of recordings (2.1.330); sizes are those of working sessions:
most bytes are tool results, told twice, then thinking, written files and snapshots; most lines say
nothing of tokens. One answer is several lines under one message and request id, whose output
tokens grow. A few sessions go on in a new file that begins with a copy of the old one.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

Line = dict[str, Any]

MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
_BEGAN = datetime(2026, 9, 1, tzinfo=UTC)
_PROSE = """
def return self import value for in the of records session path if not None else with open
file class async await error raise from test assert result data key config index "name"
'type' (x, y) => { } [0] == != += # // naïve — ok 200 404 true false null git commit \\n
"""
_WORDS = _PROSE.split()
_VERSION = "2.1.330"


def write(folder: Path, megabytes: float, seed: int = 4) -> int:
    """Fill `folder`/projects with about that many megabytes; the number of bytes written."""
    chance, written, number = random.Random(seed), 0, 0
    text = _Text(chance)
    while written < megabytes * 1e6:
        project = f"-home-dev-src-project-{number % 12}"
        session = _Session(chance, text, number, project)
        mb = min(megabytes - written / 1e6, chance.lognormvariate(0.6, 0.9))
        for name, lines in session.files(mb * 1e6):
            path = folder / "projects" / project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for line in lines:
                    written += file.write(orjson.dumps(line) + b"\n")
        number += 1
    return written


def going_on(file: Path, megabytes: float, seed: int = 5) -> bytes:
    """About that many megabytes of lines with which the session of a file goes on."""
    chance, lines = random.Random(seed), list[bytes]()
    session = _Session(chance, _Text(chance), 100_000 + seed, file.parent.name)
    session.session_id = file.stem
    while sum(map(len, lines)) < megabytes * 1e6:
        lines += [orjson.dumps(line) + b"\n" for line in session._turn(None)]
    return b"".join(lines)


class _Text:
    """Pieces of a few megabytes of what looks like source code and prose."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        lines = (
            "    " * chance.randrange(4)
            + " ".join(chance.choices(_WORDS, k=chance.randrange(1, 14)))
            for _ in range(40_000)
        )
        self._all = "\n".join(lines)

    def __call__(self, typical: int) -> str:
        """About that long, sometimes very much longer."""
        length = min(int(self._chance.lognormvariate(0, 0.8) * typical) + 1, 200_000)
        start = self._chance.randrange(len(self._all) - length)
        return self._all[start : start + length]


@dataclass
class _Session:
    chance: random.Random
    text: _Text
    number: int
    project: str
    at: datetime = field(init=False)
    session_id: str = field(init=False)
    _size: int = 0
    _named: int = 0

    def __post_init__(self) -> None:
        self.at = _BEGAN + timedelta(minutes=47 * self.number)
        self.session_id = self._uuid()

    def files(self, size: float) -> Iterator[tuple[str, list[Line]]]:
        """(name, lines) of the session's file, its sub-agents' and sometimes a resumed one's."""
        lines: list[Line] = []
        agents: list[list[Line]] = []
        while self._size < size:
            lines += self._turn(None)
            if self.chance.random() < 0.08:
                agent_id = self._id("", 17)
                agents.append([line for _ in range(3) for line in self._turn(agent_id)])
        yield f"{self.session_id}.jsonl", lines
        for told in agents:
            name = f"agent-{told[0]['agentId']}.jsonl"
            yield f"{self.session_id}/subagents/{name}", told
        if self.chance.random() < 0.04:
            copied = lines[: len(lines) // 3]
            forked_from, self.session_id = self.session_id, self._uuid()
            again = [
                line | {"sessionId": self.session_id, "forkedFrom": {"sessionId": forked_from}}
                for line in copied
            ]
            yield f"{self.session_id}.jsonl", again + self._turn(None)

    def _turn(self, agent_id: str | None) -> list[Line]:
        """A prompt and what it leads to."""
        prompt_id, lines = self._uuid(), []

        def add(kind: str, **more: Any) -> None:
            line = self._line(kind, agent_id) | more
            self._size += len(orjson.dumps(line))
            lines.append(line)

        add("user", promptId=prompt_id, message={"role": "user", "content": self.text(300)})
        if agent_id is None:
            lines.append(self._snapshot())
        model = self.chance.choices(MODELS, (6, 3, 1))[0]
        for _ in range(self.chance.randrange(3, 20)):
            call_id = self._answer(add, model)
            for _ in range(self.chance.choice((0, 0, 1, 3))):
                add("progress", toolUseID=call_id, data={"type": "bash_progress",
                    "output": self.text(150), "fullOutput": self.text(1500),
                    "elapsedTimeSeconds": self.chance.randrange(60)})  # fmt: skip
            self._result(add, prompt_id, call_id)
            if self.chance.random() < 0.15:
                add("attachment", attachment={"type": "todo", "content": self.text(400)})
        self._answer(add, model, calls=False)
        if agent_id is None:
            add("system", subtype="turn_duration", durationMs=self.chance.randrange(200_000))
            lines.append(
                {"type": "last-prompt", "lastPrompt": self.text(100), **self._of_session()}
            )
        return lines

    def _answer(self, add: Callable[..., None], model: str, *, calls: bool = True) -> str:
        """The lines of one answer, one a content block; the id of the tool it calls."""
        chance, call_id = self.chance, self._id("toolu_", 24)
        blocks: list[Line] = []
        if chance.random() < 0.5:
            blocks.append({"type": "thinking", "thinking": self.text(600),
                           "signature": self._id("", 40) * chance.randrange(8, 40)})  # fmt: skip
        if chance.random() < 0.6 or not calls:
            blocks.append({"type": "text", "text": self.text(250 if calls else 1200)})
        if calls:
            blocks.append({"type": "tool_use", "id": call_id} | self._call())
        output = chance.randrange(20, 4000)
        usage = {
            "input_tokens": chance.randrange(1, 40),
            "cache_creation_input_tokens": (written := chance.randrange(6000)),
            "cache_read_input_tokens": chance.randrange(10_000, 160_000),
            "cache_creation": {
                "ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": output, "service_tier": "standard", "inference_geo": "",
        }  # fmt: skip
        message_id, request_id = self._id("msg_", 24), self._id("req_", 24)
        for at, block in enumerate(blocks):
            is_last = at == len(blocks) - 1
            told = output if is_last else max(1, output * (at + 1) // (len(blocks) + 1))
            add(
                "assistant",
                message={
                    "id": message_id, "type": "message", "role": "assistant", "model": model,
                    "content": [block], "stop_reason": "tool_use" if is_last and calls else None,
                    "stop_sequence": None, "usage": usage | {"output_tokens": told},
                },
                requestId=request_id,
            )  # fmt: skip
        return call_id

    def _call(self) -> Line:
        path = f"/home/dev/src/project/{self._id('', 6)}.py"
        kind = self.chance.choices(("Read", "Bash", "Edit", "Write", "Grep"), (5, 5, 4, 1, 2))[0]
        told = {
            "Read": {"file_path": path, "limit": 200},
            "Bash": {"command": self.text(80), "description": self.text(30)},
            "Edit": {"file_path": path, "old_string": self.text(500), "new_string": self.text(700)},
            "Write": {"file_path": path, "content": self.text(4000)},
            "Grep": {"pattern": self.text(15), "path": path},
        }[kind]
        return {"name": kind, "input": told}

    def _result(self, add: Callable[..., None], prompt_id: str, call_id: str) -> None:
        kind = self.chance.choices(("read", "shell", "edit"), (5, 6, 4))[0]
        told: Line
        if kind == "read":
            output = self.text(5000)
            told = {"type": "text", "file": {"filePath": "/home/dev/src/a.py", "content": output}}
        elif kind == "shell":
            output = self.text(1200)
            if self.chance.random() < 0.05:
                output = f"[main {self._id('', 7)}] {self.text(40)}\n 1 file changed"
            told = {"stdout": output, "stderr": "", "interrupted": False, "isImage": False}
        else:
            output, hunk = self.text(900), self.text(900).splitlines()
            told = {
                "filePath": "/home/dev/src/a.py", "oldString": self.text(500),
                "newString": self.text(700), "originalFile": self.text(6000),
                "structuredPatch": [{"oldStart": 1, "newStart": 1, "oldLines": 9, "newLines": 12,
                                     "lines": [self.chance.choice("+- ") + x for x in hunk]}],
            }  # fmt: skip
        block = {"tool_use_id": call_id, "type": "tool_result", "content": output}
        add("user", promptId=prompt_id, message={"role": "user", "content": [block]},
            toolUseResult=told)  # fmt: skip

    def _snapshot(self) -> Line:
        kept = {f"src/{self._id('', 6)}.py": {"backupFileName": self._id("", 16), "version": 1}
                for _ in range(self.chance.randrange(40))}  # fmt: skip
        line = {
            "type": "file-history-snapshot", "messageId": self._uuid(), "isSnapshotUpdate": False,
            "snapshot": {"trackedFileBackups": kept, "timestamp": self._now()},
        }  # fmt: skip
        self._size += len(orjson.dumps(line))
        return line

    def _line(self, kind: str, agent_id: str | None) -> Line:
        about = {
            "parentUuid": self._uuid(), "isSidechain": agent_id is not None, "type": kind,
            "uuid": self._uuid(), "timestamp": self._now(), "userType": "external",
            "entrypoint": "cli", "cwd": self.project.replace("-", "/"), "version": _VERSION,
            "gitBranch": "main", **self._of_session(),
        }  # fmt: skip
        return about | ({"agentId": agent_id} if agent_id else {})

    def _of_session(self) -> Line:
        return {"sessionId": self.session_id}

    def _now(self) -> str:
        self.at += timedelta(milliseconds=self.chance.randrange(50, 5000))
        return f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.at.microsecond // 1000:03d}Z"

    def _id(self, prefix: str, length: int) -> str:
        self._named += 1
        digest = hashlib.sha256(f"{self.number}/{self._named}".encode()).hexdigest()
        return prefix + digest[:length]

    def _uuid(self) -> str:
        digest = self._id("", 32)
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


if __name__ == "__main__":
    print(f"{write(Path(sys.argv[1]), float(sys.argv[2])):,} bytes")
