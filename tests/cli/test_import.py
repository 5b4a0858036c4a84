"""`import`: against the real collector, and against a server that answers as told."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click.testing
import duckdb
import psutil
import pytest
from benchmarks import transcripts
from click.testing import CliRunner

from agent_analytics_cli.agents.claude_code import read_records
from agent_analytics_cli.main import cli
from agent_analytics_cli.sessions import loading_pause
from agent_analytics_cli.sessions import workers as session_workers
from agent_analytics_cli.sessions.loading_pause import LoadingPause
from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import home_hasher
from agent_analytics_collector.scrub.text import without_home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import ServiceState, write_state
from agent_analytics_collector.warehouse.flush import flush

from ..service.conftest import RunningService

Row = tuple[Any, ...]


@pytest.fixture
def service(home: Home) -> Iterator[RunningService]:
    """The real collector of this home."""
    running = RunningService(home)
    yield running
    running.stop()


@pytest.fixture
def claude() -> Path:
    """The user's Claude Code folder, not made yet."""
    return Path.home() / ".claude"


@pytest.fixture
def recorded(fixtures: Path, claude: Path) -> Path:
    """The user's Claude Code folder with the session files of all recordings."""
    for folder in sorted((fixtures / "claude").glob("*/home/.claude")):
        shutil.copytree(folder, claude, dirs_exist_ok=True)
    return claude


def delivered(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is sent of records that were read: they say whose machine it was."""
    here = {"machine": os.uname().nodename}
    return [record | {"payload": record["payload"] | here} for record in records]


def write_session(claude: Path, name: str, prompts: int, cwd: str = "/nowhere") -> Path:
    """A session file with that many prompts."""
    path = claude / "projects" / "-p" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    add_prompts(path, prompts, cwd)
    return path


def add_prompts(path: Path, count: int, cwd: str = "/nowhere") -> None:
    with open(path, "a", encoding="utf-8") as file:
        for _ in range(count):
            line = {
                "type": "user", "sessionId": path.stem, "cwd": cwd, "uuid": f"u-{file.tell()}",
                "timestamp": "2026-11-22T03:39:05.065Z", "message": {"content": "say hello"},
            }  # fmt: skip
            file.write(json.dumps(line) + "\n")
            file.flush()


def run_import(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, ["import", *arguments])


def summary(*arguments: str, exit_code: int = 0) -> dict[str, Any]:
    """What `import --json` printed."""
    result = run_import("--json", *arguments)
    assert result.exit_code == exit_code, result.output
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def loaded(home: Home, sql: str) -> list[Row]:
    """Rows of the DuckDB file once everything accepted is in it."""
    flush(home, Settings(), 30)
    for _ in range(200):
        with (
            suppress(duckdb.IOException),  # the loader has it right now
            duckdb.connect(str(home.database), read_only=True) as connection,
        ):
            return connection.sql(sql).fetchall()
        threading.Event().wait(0.05)
    raise AssertionError("the loader never let go of the file")


def count_rows(home: Home) -> int:
    ((count,),) = loaded(home, "select count(*) from raw_agent_session_records")
    assert isinstance(count, int)
    return count


def test_every_recorded_session_arrives_as_it_was_read(
    home: Home, service: RunningService, recorded: Path
) -> None:
    files = sorted(recorded.rglob("*.jsonl"))
    lines = [
        json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()
    ]  # fmt: skip
    records = list(read_records(recorded, hasher=home_hasher(home)))
    done = summary()
    assert done == {
        "dry_run": False,
        "folders": [str(recorded)],
        "files_read": len(files),
        "files_unchanged": 0,
        "files_left": 0,
        "sessions": len({line["sessionId"] for line in lines}),
        "records": len(records),
        "first_at": min(record["timestamp"] for record in records).replace("Z", "000Z"),
        "last_at": max(record["timestamp"] for record in records).replace("Z", "000Z"),
        "accepted": len(records),
        "duplicate": 0,
        "rejected": 0,
        "damaged_lines": 0,
        "unreadable": [],
        "problems": [],
    }
    rows = loaded(
        home,
        "select agent, session_id, kind, strftime(timestamp at time zone 'UTC', "
        "'%Y-%m-%dT%H:%M:%S.%gZ'), project_path, git_branch, repository, source_file, payload "
        "from raw_agent_session_records",
    )
    assert sorted((*row[:-1], json.dumps(json.loads(row[-1]), sort_keys=True)) for row in rows) == (
        sorted(
            (
                *(value and without_home(value) for value in list(record.values())[:-1]),
                without_home(json.dumps(record["payload"], sort_keys=True)),
            )
            for record in delivered(records)
        )
    )
    asked = {line["requestId"] for line in lines if line["type"] == "assistant"}
    arrived = {json.loads(row[-1])["request_id"] for row in rows if row[2] == "request"}
    assert arrived == asked


def test_a_second_run_posts_nothing_and_again_stores_nothing_new(
    home: Home, service: RunningService, recorded: Path
) -> None:
    first = summary()
    rows = count_rows(home)
    assert rows == first["accepted"] > 100

    second = summary()
    assert (second["files_read"], second["files_unchanged"]) == (0, first["files_read"])
    assert (second["records"], second["accepted"]) == (0, 0)
    said = run_import().stdout
    assert said == (
        f"Nothing new: {first['files_read']} session files of Claude Code in {recorded} were "
        "imported before and are unchanged. --again imports them again.\n"
    )

    third = summary("--again")
    assert (third["files_read"], third["records"]) == (first["files_read"], first["records"])
    assert third["accepted"] + third["duplicate"] == first["records"]
    assert count_rows(home) == rows


def test_of_a_grown_file_only_what_is_new_is_read(
    home: Home, service: RunningService, claude: Path
) -> None:
    for name in ("a", "b"):
        write_session(claude, name, 3)
    assert summary()["records"] == 6
    add_prompts(claude / "projects" / "-p" / "b.jsonl", 2)
    grown = summary()
    assert (grown["files_read"], grown["files_unchanged"], grown["records"]) == (1, 1, 2)
    assert (grown["accepted"], grown["duplicate"]) == (2, 0)
    assert count_rows(home) == 8
    assert summary("--again")["records"] == 8


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda old: old[: len(old) // 2], id="shrunk"),
        pytest.param(lambda old: old.replace(b"hello", b"there", 1) + old, id="another beginning"),
        pytest.param(
            lambda old: old[:-20] + old[-20:].replace(b"hello", b"there") + old,
            id="another last line",
        ),
    ],
)
def test_a_file_that_did_not_just_grow_is_read_anew(
    api: Scripted, claude: Path, change: Callable[[bytes], bytes]
) -> None:
    path = write_session(claude, "a", 100)
    assert summary()["records"] == 100
    path.write_bytes(change(path.read_bytes()))
    again = summary()
    lines = path.read_bytes().count(b"\n")
    assert (again["files_read"], again["records"]) == (1, lines)
    assert lines in (50, 200)


def test_a_grown_file_goes_on_in_its_session_and_folder(
    home: Home, service: RunningService, fixtures: Path
) -> None:
    recorded = fixtures / "codex" / "b-tools-grpc" / "home" / ".codex"
    codex = Path.home() / ".codex"
    shutil.copytree(recorded, codex)
    (path,) = codex.rglob("rollout-*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    total = 0
    for end in range(1, len(lines) + 1, 5):
        path.write_bytes(b"".join(lines[:end]))
        total += summary()["records"]
    path.write_bytes(b"".join(lines))
    total += summary()["records"]
    select = "select kind, session_id, project_path, payload from raw_agent_session_records"
    in_parts = loaded(home, select)
    assert len(in_parts) == total > 10
    assert {row[1] for row in in_parts} == {path.stem[-36:]}
    again = summary("--again")
    assert again["records"] == total
    assert sorted(loaded(home, select)) == sorted(in_parts)


def test_the_half_written_line_of_a_running_session_comes_with_the_next_import(
    home: Home, service: RunningService, claude: Path
) -> None:
    path = write_session(claude, "a", 2)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    result = run_import()
    assert result.exit_code == 0
    assert "1 damaged or unfinished line left out" in result.stdout
    path.write_bytes(whole)
    done = summary()
    assert (done["damaged_lines"], done["records"]) == (0, 1)
    assert count_rows(home) == 2


def test_another_home_is_read_when_it_is_named(
    home: Home, service: RunningService, claude: Path, tmp_path: Path
) -> None:
    write_session(claude, "mine", 1)
    write_session(tmp_path / "backup" / ".claude", "theirs", 1)
    assert summary("--home", str(tmp_path / "backup"))["sessions"] == 1
    assert loaded(home, "select session_id, source_file from raw_agent_session_records") == [
        ("theirs", ".claude/projects/-p/theirs.jsonl")
    ]
    assert summary()["files_unchanged"] == 0


def test_a_session_in_several_homes_counts_once(
    home: Home, service: RunningService, tmp_path: Path
) -> None:
    homes = [tmp_path / name for name in ("laptop", "container")]
    for each in homes:
        write_session(each / ".claude", "both", 3)
    write_session(homes[1] / ".claude", "second", 1)
    (tmp_path / "same").symlink_to("laptop")
    named = [argument for each in (*homes, tmp_path / "same") for argument in ("--home", str(each))]
    done = summary(*named)
    assert done["folders"] == [str(each / ".claude") for each in homes]
    assert (done["files_read"], done["sessions"], done["records"]) == (3, 2, 7)
    assert count_rows(home) == 4
    assert summary(*named)["files_unchanged"] == 3


def test_every_record_says_whose_machine_it_was(
    home: Home, service: RunningService, claude: Path, tmp_path: Path
) -> None:
    write_session(claude, "mine", 1)
    write_session(tmp_path / "backup" / ".claude", "theirs", 1)
    summary()
    summary("--home", str(tmp_path / "backup"), "--machine", " devcontainer ")
    assert loaded(
        home,
        "select session_id, payload->>'machine' from raw_agent_session_records order by 1",
    ) == [("mine", os.uname().nodename), ("theirs", "devcontainer")]
    assert run_import("--machine", " ").exit_code == 2


def test_the_folder_that_claude_code_was_told_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude-work"))
    write_session(tmp_path / "claude-work", "a", 1)
    assert summary("--dry-run")["records"] == 1


def test_a_dry_run_needs_no_collector_and_leaves_everything_to_do(home: Home, claude: Path) -> None:
    write_session(claude, "a", 2)
    write_session(claude, "b", 1)
    for _ in range(2):
        result = run_import("--dry-run")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.splitlines() == [
            f"Read 2 session files of Claude Code in {claude}.",
            "2 sessions, 2026-11-22 to 2026-11-22.",
            "3 records would be delivered.",
        ]
    assert not (home.data / "imported.json").exists()


def test_without_session_files_the_folders_looked_at_are_named(claude: Path) -> None:
    result = run_import()
    names = (".claude", ".codex", ".gemini", ".copilot")
    folders = ", ".join(str(claude.with_name(name)) for name in names)
    assert (result.exit_code, result.stdout) == (
        0,
        f"There are no session files of Claude Code, Codex, Gemini CLI, Copilot CLI in {folders}. "
        "--home DIR reads another home folder.\n",
    )
    assert ", ".join(summary()["folders"]) == folders


def test_every_agents_sessions_are_read(
    home: Home, service: RunningService, fixtures: Path
) -> None:
    for name in ("claude/b-tools", "codex/b-tools-grpc", "gemini/b-tools-grpc",
                 "copilot/b-tools-protobuf"):  # fmt: skip
        shutil.copytree(fixtures / name / "home", Path.home(), dirs_exist_ok=True)
    done = summary()
    assert (done["rejected"], done["unreadable"], done["damaged_lines"]) == (0, [], 0)
    rows = loaded(
        home,
        "select agent, count(*) filter (where kind = 'request') > 0, count(*) filter "
        "(where kind = 'tool_call') > 0 from raw_agent_session_records group by agent order by 1",
    )
    assert rows == [(each, True, True) for each in
                    ("claude_code", "codex", "copilot_cli", "gemini_cli")]  # fmt: skip
    assert summary()["files_read"] == 0


def test_an_agent_that_is_not_enabled_is_not_read(home: Home, claude: Path) -> None:
    write_session(claude, "a", 1)
    home.config_file.write_text("enabled_agents: []\n")
    result = run_import("--dry-run")
    assert (result.exit_code, result.stdout) == (
        0, "No agent whose session files can be read is in `enabled_agents`.\n",
    )  # fmt: skip


def test_without_a_collector_it_says_how_to_start_one(home: Home, claude: Path) -> None:
    write_session(claude, "a", 1)
    result = run_import()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: No collector is running for {home.root}. Start it with `agent-analytics up`.\n"
    )


@dataclass
class Scripted:
    """An API that notes bodies and answers from `script`, then accepts."""

    bodies: list[bytes] = field(default_factory=list)
    script: list[tuple[int, dict[str, Any] | None]] = field(default_factory=list)
    """(status, answer); None accepts everything."""

    @property
    def batches(self) -> list[list[dict[str, Any]]]:
        return [json.loads(body) for body in self.bodies]


@pytest.fixture
def api(home: Home) -> Iterator[Scripted]:
    """A scripted collector, running for this home."""
    scripted = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/session-records"
            body = self.rfile.read(int(self.headers["content-length"]))
            scripted.bodies.append(body)
            accepted = {
                "accepted": len(json.loads(body)), "duplicate": 0, "rejected": 0, "problems": [],
            }  # fmt: skip
            status, answer = scripted.script.pop(0) if scripted.script else (200, None)
            said = json.dumps(accepted if answer is None else answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        announce(home, server.server_port)
        yield scripted
        server.shutdown()
        thread.join()


def announce(home: Home, api_port: int) -> None:
    write_state(
        home.service_state,
        ServiceState(
            pid=os.getpid(), process_started_at=psutil.Process().create_time(),
            host="127.0.0.1", grpc_port=0, http_port=0, api_port=api_port,
            version="test", started_at="2026-01-01T00:00:00+00:00",
        ),
    )  # fmt: skip


def test_batches_are_bounded_in_records_and_in_bytes(api: Scripted, claude: Path) -> None:
    write_session(claude, "a", 1500)
    write_session(claude, "b", 3000, cwd="/" + "x" * 1000)
    assert summary()["accepted"] == 4500
    sizes = [len(batch) for batch in api.batches]
    assert sum(sizes) == 4500
    assert max(sizes) == 1000
    assert max(map(len, api.bodies)) <= 2_000_000
    records = [record for batch in api.batches for record in batch]
    assert records == delivered(list(read_records(claude)))  # all of them, in order

    api.bodies.clear()
    write_session(claude, "c", 1000, cwd="/" + "é" * 1000)  # two bytes each
    assert summary()["accepted"] == 1000
    assert len(api.bodies) == 2
    assert max(map(len, api.bodies)) <= 2_000_000


def test_what_is_asked_for_later_is_sent_again(api: Scripted, claude: Path) -> None:
    write_session(claude, "a", 1)
    api.script = [(503, {"detail": "full"}), (429, {"detail": "slow"}), (500, {"detail": "bug"})]
    done = summary("--timeout", "20")
    assert (done["accepted"], done["files_left"], done["problems"]) == (1, 0, [])
    assert len(api.bodies) == 4
    assert len(set(api.bodies)) == 1


def test_when_patience_ends_it_says_what_is_left_and_goes_on_there(
    home: Home, api: Scripted, claude: Path
) -> None:
    for name in ("a", "b", "c"):
        write_session(claude, name, 700)
    api.script = [(200, None)] + [(503, {"detail": "The spool is full."})] * 50
    result = run_import("--timeout", "0.3")
    assert result.exit_code == 1
    assert "2 session files left: the collector did not take more." in result.stdout
    assert "The spool is full." in result.stderr
    assert "transform" not in result.stdout

    api.script.clear()
    api.bodies.clear()
    done = summary()
    assert (done["files_unchanged"], done["files_read"], done["accepted"]) == (1, 2, 1400)
    assert {record["session_id"] for batch in api.batches for record in batch} == {"b", "c"}


def test_a_collector_that_is_gone_costs_the_timeout_and_loses_nothing(
    home: Home, claude: Path
) -> None:
    write_session(claude, "a", 1)
    announce(home, api_port=1)
    done = summary("--timeout", "0.2", exit_code=1)
    assert (done["files_read"], done["files_left"], done["accepted"]) == (0, 1, 0)
    assert "http://127.0.0.1:1/v1/session-records does not take it now" in done["problems"][0]


def test_rejected_records_are_told_with_their_file_and_not_sent_for_ever(
    api: Scripted, claude: Path
) -> None:
    write_session(claude, "a", 2)
    write_session(claude, "b", 2)
    problem = {"index": 2, "reason": "payload: must be at most 65,536 bytes of JSON"}
    api.script = [(200, {"accepted": 3, "duplicate": 0, "rejected": 1, "problems": [problem]})]
    result = run_import()
    assert result.exit_code == 1
    assert "4 records: 3 accepted, 0 duplicate, 1 rejected." in result.stdout
    assert result.stderr == f".claude/projects/-p/b.jsonl: {problem['reason']}\n"
    assert summary()["files_unchanged"] == 2


def test_a_batch_of_which_nothing_was_taken_does_not_stop_the_next(
    api: Scripted, claude: Path
) -> None:
    write_session(claude, "a", 1500)
    api.script = [(422, {"detail": "No record could be taken. kind: too new"})]
    done = summary(exit_code=1)
    assert (done["rejected"], done["accepted"], done["files_left"]) == (1000, 500, 0)
    assert done["problems"] == [
        ".claude/projects/-p/a.jsonl: No record could be taken. kind: too new"
    ]


def test_a_wrong_key_ends_the_import_and_nothing_counts_as_delivered(
    home: Home, api: Scripted, claude: Path
) -> None:
    write_session(claude, "a", 1)
    api.script = [(401, {"detail": "This needs a token."})]
    result = run_import()
    assert result.exit_code == 1
    assert "refused it (401): This needs a token." in result.stderr
    assert summary()["files_read"] == 1


def test_a_file_that_cannot_be_read_is_said_and_tried_again(api: Scripted, claude: Path) -> None:
    good = write_session(claude, "a", 1)
    broken = good.with_name("b.jsonl")
    broken.symlink_to("b.jsonl")
    result = run_import()
    assert (result.exit_code, result.stderr) == (
        0, f"{broken}: Too many levels of symbolic links\n",
    )  # fmt: skip
    broken.unlink()
    write_session(claude, "b", 1)
    assert (summary()["files_read"], len(api.bodies)) == (1, 2)


def test_what_was_imported_is_remembered_privately_and_forgotten_with_the_files(
    home: Home, api: Scripted, claude: Path
) -> None:
    first, second = write_session(claude, "a", 1), write_session(claude, "b", 1)
    summary()
    remembered = home.data / "imported.json"
    assert stat.S_IMODE(remembered.stat().st_mode) == 0o600
    assert set(json.loads(remembered.read_text())["files"]) == {str(first), str(second)}
    first.unlink()
    add_prompts(second, 1)
    summary()
    assert set(json.loads(remembered.read_text())["files"]) == {str(second)}

    remembered.write_text("{")
    assert summary()["files_read"] == 1


def test_another_backend_has_nothing_of_what_the_first_one_took(
    home: Home, api: Scripted, claude: Path
) -> None:
    write_session(claude, "a", 1)
    summary()
    home.config_file.write_text("backend_url: http://127.0.0.1:9\n")
    assert summary("--dry-run")["files_read"] == 1


@pytest.fixture
def many(claude: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Transcripts that are read by several processes, a few files at a time."""
    transcripts.write(claude, 4)
    monkeypatch.setattr(session_workers, "WORTH_IT", 0)
    monkeypatch.setattr(session_workers, "_JOB_BYTES", 500_000)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return claude


@pytest.mark.slow
def test_several_processes_deliver_what_one_delivers(
    home: Home, service: RunningService, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = summary()
    remembered = json.loads((home.data / "imported.json").read_text())
    records = read_records(many, hasher=home_hasher(home))
    assert count_rows(home) == len({json.dumps(key_of(each)) for each in records}) > 1000
    assert not home.want.exists()
    assert summary()["files_read"] == 0

    monkeypatch.setattr(session_workers, "WORTH_IT", 10**12)
    (home.data / "imported.json").unlink()
    alone = summary()
    for name in ("files_read", "sessions", "records", "first_at", "last_at", "damaged_lines"):
        assert done[name] == alone[name], name
    assert json.loads((home.data / "imported.json").read_text()) == remembered


def key_of(record: dict[str, Any]) -> dict[str, Any]:
    """What makes a record another one."""
    return {k: v for k, v in record.items() if k not in ("source_file", "repository")}


def test_a_process_that_dies_is_told_and_the_next_import_goes_on(
    api: Scripted, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = len(list(many.rglob("*.jsonl")))
    begin = session_workers._Worker.serve

    def serve(worker: Any, *arguments: Any) -> None:
        if not serving:
            worker._process.kill()
        serving.append(worker)
        begin(worker, *arguments)

    serving: list[Any] = []
    monkeypatch.setattr(session_workers._Worker, "serve", serve)
    result = run_import()
    assert result.exit_code == 1
    assert "A process that read session files ended while it read" in result.stderr
    rest = summary()
    assert rest["files_unchanged"] + rest["files_read"] == files
    assert rest["files_read"] > 0


@pytest.mark.slow
def test_a_refusal_and_an_end_of_patience_reach_the_user_from_several_processes(
    api: Scripted, many: Path
) -> None:
    api.script = [(401, {"detail": "This needs a token."})] * 2
    result = run_import()
    assert result.exit_code == 1
    assert "refused it (401): This needs a token." in result.stderr
    api.script = [(503, {"detail": "The spool is full."})] * 500
    done = summary("--timeout", "0.3", exit_code=1)
    assert done["files_left"] > 0
    assert "The spool is full." in done["problems"][0]
    api.script = []
    assert summary()["files_left"] == 0


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has no use for several")
def test_processes_that_read_end_with_the_import(home: Home, api: Scripted, claude: Path) -> None:
    path = write_session(claude, "a", 1)
    with path.open("ab") as file:  # enough to be shared out, nearly all of it one line
        file.truncate(session_workers.WORTH_IT)
    api.script = [(503, {"detail": "The spool is full."})] * 500
    command = [sys.executable, "-m", "agent_analytics_cli.main", "import", "--timeout", "60"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not api.bodies:
            time.sleep(0.05)
        children = psutil.Process(process.pid).children()
        assert children
        process.kill()
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_what_was_imported_before_readers_told_of_edits_is_read_once_more(
    home: Home, service: RunningService, recorded: Path
) -> None:
    first = summary()
    path = home.data / "imported.json"
    remembered = json.loads(path.read_text())
    assert remembered.pop("told") == 1
    path.write_text(json.dumps(remembered))
    rows = count_rows(home)
    assert summary()["files_read"] == first["files_read"]
    assert summary()["files_read"] == 0
    assert count_rows(home) == rows


def test_an_edit_of_thousands_of_lines_arrives_whole_as_hashes(
    home: Home, service: RunningService, claude: Path
) -> None:
    lines = [f"value_{number} = {number}" for number in range(5000)]
    told = {
        "type": "create", "filePath": "/nowhere/a.py", "content": "\n".join(lines),
        "structuredPatch": [],
    }  # fmt: skip
    block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}
    line = {
        "type": "user", "sessionId": "s", "cwd": "/nowhere", "toolUseResult": told,
        "timestamp": "2026-11-22T03:39:05.065Z", "message": {"content": [block]},
    }  # fmt: skip
    path = claude / "projects" / "-p" / "s.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(line) + "\n")
    assert summary()["rejected"] == 0
    rows = loaded(
        home,
        "select payload->>'added_line_hashes' from raw_agent_session_records "
        "where kind = 'edit' order by cast(payload->>'part' as integer)",
    )
    assert " ".join(hashes for (hashes,) in rows).split() == home_hasher(home).of_all(lines)


def test_the_loader_waits_for_a_large_import_but_not_for_ever(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoadingPause(home) as pause:
        assert home.want.exists()
        monkeypatch.setattr(loading_pause, "_AGAIN_S", 0.0)
        os.utime(home.want, (1, 1))
        pause.go_on()
        assert home.want.stat().st_mtime > 1
        monkeypatch.setattr(loading_pause, "LONGEST_S", 0.0)
        os.utime(home.want, (1, 1))
        pause.go_on()
        assert home.want.stat().st_mtime == 1
    assert home.want.exists()  # somebody else's time stands there
    home.want.unlink()
    with LoadingPause(home):
        pass
    assert not home.want.exists()
