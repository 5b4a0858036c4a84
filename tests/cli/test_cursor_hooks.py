"""Cursor's hooks.json gets our hook and loses it again without a trace; the hook never stands in
the agent's way, and what it tells arrives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli.agents.cursor import hooks_state
from agent_analytics_cli.agents.cursor.hooks_file import EVENTS, command_for
from agent_analytics_cli.doctor.agents import check_agent_settings
from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.json_reader import read
from agent_analytics_cli.main import cli
from agent_analytics_cli.outbound.flusher import flush_outbox, has_work
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.spool.reader import read_signal
from tests.cli.conftest import StartCollector
from tests.cli.cursor_events import SESSION, event, told, tool
from tests.cli.machine_files import only_git, tree

MINE = '{"command": "./mine.sh", "matcher": "Write"}'
_TEXTS: dict[str, str | None] = {
    "missing": None,
    "empty": "",
    "blank": "\n\n",
    "braces": "{}",
    "open braces": "{\n}\n",
    "version": '{"version": 1}',
    "no hooks": '{\n  "version": 1,\n  "hooks": {}\n}\n',
    "hooks of others": '{\n  "version": 1,\n  "hooks": {\n    "preToolUse": [MINE]\n  }\n}',
    "the same events": '{\n  "version": 1,\n  "hooks": {\n    "stop": [\n      MINE\n    ],\n'
    '    "afterFileEdit": [MINE, MINE],\n    "postToolUse": [ ]\n  }\n}\n',
    "all events": json.dumps(
        {"version": 1, "hooks": {name: [{"command": f"x {name}"}] for name in EVENTS}}, indent=4
    ),
    "one line": '{"version":1,"hooks":{"stop":[MINE]}}',
    "tabs and crlf": '{\r\n\t"version": 1,\r\n\t"hooks": {\r\n\t\t"stop": [\r\n\t\t\tMINE\r\n\t\t]'
    "\r\n\t}\r\n}\r\n",
    "comments": '{\n  // mine\n  "version": 1, "hooks": {\n    "stop": [ // why\n      MINE,\n'
    "    ],\n    /* later */\n  },\n}\n",
    "byte order mark": '\ufeff{"hooks": {"stop": [MINE]}, "version": 1}',
}
CONTENTS = {name: text and text.replace("MINE", MINE) for name, text in _TEXTS.items()}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No other agent, and a collector's address that needs no port."""
    monkeypatch.setenv("PATH", f"{only_git(tmp_path / 'bin')}:/usr/bin:/bin")
    monkeypatch.setenv("AGENT_ANALYTICS_TELEMETRY_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def hooks_json(tmp_path: Path) -> Path:
    """Where Cursor's hooks are; its folder is there."""
    folder = tmp_path / "user" / ".cursor"
    folder.mkdir()
    return folder / "hooks.json"


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, input=stdin)


def switch(verb: str) -> list[str]:
    """What `agents enable|disable cursor` changed."""
    result = run("agents", verb, "cursor", "--yes", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["left_alone"] == []
    return [Path(entry["path"]).name for entry in said["changed"]]


def commands(path: Path) -> dict[str, list[str]]:
    """The commands of each event, as Cursor reads them."""
    root = read(path.read_text(encoding="utf-8"))
    assert root is not None
    assert root.value.get("version", 1) == 1
    return {
        name: [hook["command"] for hook in hooks] for name, hooks in root.value["hooks"].items()
    }


@pytest.mark.parametrize("name", CONTENTS)
def test_our_hook_stands_beside_the_users_and_leaves_no_trace(
    home: Home, hooks_json: Path, name: str
) -> None:
    content = CONTENTS[name]
    if content is not None:
        hooks_json.write_bytes(content.encode())
    before = tree(hooks_json.parent)
    root = read(content or "")
    theirs = (root.value if root else {}).get("hooks", {})
    assert "hooks.json" in switch("enable")
    found = commands(hooks_json)
    for event_name in (*EVENTS, *theirs):
        others = [hook["command"] for hook in theirs.get(event_name, [])]
        ours = [command_for(home, event_name)] if event_name in EVENTS else []
        assert found[event_name] == ours + others
    assert hooks_state(hooks_json.parent, home).enabled
    installed = tree(hooks_json.parent, home.root)
    assert switch("enable") == []
    assert tree(hooks_json.parent, home.root) == installed
    switch("disable")
    assert tree(hooks_json.parent) == before
    assert Receipt.load(home).entries == []
    assert not home.hooks.exists()


def test_a_new_file_says_its_version(hooks_json: Path) -> None:
    """cursor-agent 2026.09.10 drops a file that is not as it wants it, without a word."""
    for content in (None, "", "{}", "{\n}"):
        if content is not None:
            hooks_json.write_text(content)
        switch("enable")
        told = json.loads(hooks_json.read_text())
        assert (list(told), told["version"]) == (["version", "hooks"], 1)
        assert set(told["hooks"]) == set(EVENTS)
        switch("disable")


@pytest.mark.parametrize("name", ["missing", "the same events", "all events"])
def test_what_was_laid_out_anew_or_added_since_stays(
    home: Home, hooks_json: Path, name: str
) -> None:
    if content := CONTENTS[name]:
        hooks_json.write_text(content)
    theirs = json.loads(content or "{}").get("hooks", {})
    switch("enable")
    told = json.loads(hooks_json.read_text())
    told["hooks"]["sessionEnd"].append({"command": "later"})
    told["hooks"].setdefault("preCompact", []).append({"command": "later"})
    hooks_json.write_text(json.dumps(told, indent=7))
    switch("disable")
    expected = {event: hooks for event, hooks in theirs.items() if hooks}
    expected["sessionEnd"] = [*expected.get("sessionEnd", []), {"command": "later"}]
    expected["preCompact"] = [{"command": "later"}]
    left = json.loads(hooks_json.read_text())
    assert {name: hooks for name, hooks in left["hooks"].items() if hooks} == expected
    assert left["version"] == 1
    assert str(home.root) not in hooks_json.read_text()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "line 1: "),
        ('{"hooks": []}', '"hooks" must be an object'),
        ('{"version": 1,\n "hooks": {"stop": {"command": "x"}}}', 'line 2: "stop" must be a list'),
        ("[]", "the file must hold an object"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_left_alone(
    home: Home, hooks_json: Path, content: str, problem: str
) -> None:
    hooks_json.write_text(content)
    result = run("agents", "enable", "cursor", "--yes")
    assert result.exit_code == 1
    assert f"{hooks_json} is left as it is: " in result.stderr
    assert problem in result.stderr
    assert hooks_json.read_text() == content
    assert not home.hooks.exists()
    assert hooks_state(hooks_json.parent, home).problems


def test_a_hook_that_was_half_taken_out_is_told_and_mended(home: Home, hooks_json: Path) -> None:
    assert hooks_state(hooks_json.parent, home).problems == []
    switch("enable")
    told = json.loads(hooks_json.read_text())
    told["hooks"]["stop"] = []
    hooks_json.write_text(json.dumps(told))
    state = hooks_state(hooks_json.parent, home)
    assert (state.enabled, state.problems) == (
        False, [f"{hooks_json} no longer has our hook for stop."],
    )  # fmt: skip
    (home.hooks / "cursor.sh").unlink()
    assert "is gone" in hooks_state(hooks_json.parent, home).problems[1]
    assert set(switch("enable")) == {"cursor.sh", "hooks.json"}
    assert hooks_state(hooks_json.parent, home).enabled
    assert [len(each) for each in commands(hooks_json).values()] == [1] * len(EVENTS)


def test_init_and_uninstall_take_cursor_along(
    home: Home, hooks_json: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path / "user")
    assert run("init", "--yes").exit_code == 0
    assert hooks_state(hooks_json.parent, home).enabled
    assert run("uninstall", "--yes").exit_code == 0
    assert tree(tmp_path / "user") == before


def hook(home: Home, name: str, payload: bytes, shell: str = "sh") -> str:
    """What Cursor is answered; asserts that the agent goes on."""
    started = time.monotonic()
    done = subprocess.run(
        [shell, "-c", command_for(home, name)],
        input=payload, capture_output=True, check=False, cwd="/",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert time.monotonic() - started < 5
    return done.stdout.decode()


def kept(home: Home) -> list[dict[str, Any]]:
    """Records that wait in the outbox."""
    path = home.outbox / "events.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [json.loads(line)["body"] for line in lines]


def arrived(home: Home) -> list[dict[str, Any]]:
    """Session records that the collector has made durable."""
    return [
        body
        for envelope in read_signal(home.spool, Signal.SESSION_RECORDS)
        for body in orjson.loads(envelope.body)
    ]


def wait_until(condition: Any, seconds: float = 60) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_agent_is_answered_at_once_and_never_stopped(
    home: Home, hooks_json: Path, shell: str
) -> None:
    switch("enable")
    stub = home.hooks / "cursor.sh"
    text = stub.read_text()
    stub.write_text(text.replace("test -x ", "test -x /nowhere"))  # no installation any more
    assert json.loads(hook(home, "beforeSubmitPrompt", b"{}", shell)) == {"continue": True}
    for name in EVENTS:
        if name != "beforeSubmitPrompt":
            assert hook(home, name, b"\0\xff" * 100_000, shell) == "{}\n"
    stub.write_text(text)
    home.config_file.chmod(0)
    assert hook(home, "stop", b"no JSON", shell) == "{}\n"
    home.config_file.chmod(0o600)
    stub.unlink()
    assert hook(home, "beforeSubmitPrompt", b"{}", shell) == ""
    assert kept(home) == []


@pytest.mark.slow
def test_what_the_hook_tells_arrives_also_when_it_is_large(
    home: Home, hooks_json: Path, start_collector: StartCollector
) -> None:
    switch("enable")
    start_collector()
    large = "x\n" * 1_000_000
    call = tool("Write", "t1", {"file_path": "/home/dev/app/a'b", "content": large})
    hook(home, "postToolUse", told(call))
    hook(home, "beforeSubmitPrompt", told(event("beforeSubmitPrompt", prompt="'$(id)`\\ \n")))
    wait_until(lambda: len(arrived(home)) == 3 and not has_work(home))
    by_kind = {record["kind"]: record for record in arrived(home)}
    assert by_kind["prompt"]["payload"]["prompt_length"] == 10
    assert by_kind["tool_call"]["payload"]["lines_added"] == 1_000_000
    assert by_kind["tool_call"]["payload"]["file_path"] == "/home/dev/app/a'b"
    assert {record["session_id"] for record in arrived(home)} == {SESSION}
    assert by_kind["prompt"]["payload"]["machine"] == os.uname().nodename
    wait_until(lambda: not (home.outbox / "flusher.pid").exists())


def test_without_a_collector_events_wait_and_arrive_later_in_order(
    home: Home, start_collector: StartCollector
) -> None:
    for number in range(3):
        payload = told(event("beforeSubmitPrompt", prompt="x" * number, generation_id=str(number)))
        result = run("log-event", "cursor", stdin=payload)
        assert (result.exit_code, result.output) == (0, "1 records are kept.\n")
    assert [record["payload"]["prompt_length"] for record in kept(home)] == [0, 1, 2]
    assert (home.outbox / "events.jsonl").stat().st_mode & 0o777 == 0o600
    assert has_work(home)
    start_collector()
    flush_outbox(home, linger_s=0)
    assert [record["payload"]["prompt_length"] for record in arrived(home)] == [0, 1, 2]
    assert (kept(home), has_work(home)) == ([], False)


@pytest.mark.slow
def test_a_flusher_that_lingers_takes_what_comes(
    home: Home, start_collector: StartCollector
) -> None:
    start_collector()
    command = [sys.executable, "-m", "agent_analytics_cli.main", "log-event", "cursor"]
    processes = []
    for number in range(4):
        payload = told(event("beforeSubmitPrompt", prompt="x" * number))
        processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=-3))
        pipe = processes[-1].stdin
        assert pipe is not None
        pipe.write(payload)
        pipe.close()
        wait_until(lambda expected=number + 1: len(arrived(home)) == expected)
    assert [process.wait() for process in processes] == [0] * 4
    assert [record["payload"]["prompt_length"] for record in arrived(home)] == [0, 1, 2, 3]


def test_events_never_push_commits_out_of_the_outbox(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent_analytics_cli.outbound import outbox

    monkeypatch.setattr(outbox, "MAX_ENTRIES", 3)
    monkeypatch.setattr(outbox, "SHORTEST_LINE", 1)
    outbox.Outbox(home).append([outbox.Entry(outbox.COMMITS, {"commit_hash": "a"})])
    for number in range(5):
        run("log-event", "cursor", stdin=told(event("stop", generation_id=str(number))))
    assert [record["payload"]["prompt_id"] for record in kept(home)] == ["2", "3", "4"]
    assert outbox.Outbox(home).next_batch()[0] is not None
    assert "outbox_full" in (home.logs / "hooks.log").read_text()


def test_what_is_no_event_is_an_error_and_in_the_log(home: Home) -> None:
    result = run("log-event", "cursor", stdin=b"[1]")
    assert result.exit_code == 1
    assert "Error: Standard input holds no event of Cursor's hooks" in result.stderr
    (line,) = (home.logs / "hooks.log").read_text().splitlines()
    assert json.loads(line)["event"] == "event_skipped"


def test_an_agent_that_was_not_chosen_is_not_recorded(home: Home) -> None:
    home.config_file.write_text("enabled_agents: [codex]\n")
    result = run("log-event", "cursor", stdin=told(event("stop")))
    assert (result.exit_code, kept(home)) == (0, [])
    assert "cursor is not in enabled_agents" in result.stderr


def test_doctor_sees_whether_cursor_runs_our_hook(home: Home, hooks_json: Path) -> None:
    home.config_file.write_text("enabled_agents: [cursor]\n")
    verdict = check_agent_settings(Situation.of(home))
    assert (verdict.detail, verdict.next_step) == (
        "Cursor does not run our hook.", "agent-analytics agents enable cursor",
    )  # fmt: skip
    switch("enable")
    verdict = check_agent_settings(Situation.of(home))
    assert (verdict.detail, verdict.next_step) == (
        f"Cursor runs our hook, as {hooks_json} says.", None,
    )  # fmt: skip
    (home.hooks / "cursor.sh").unlink()
    verdict = check_agent_settings(Situation.of(home))
    assert verdict.detail.endswith("cursor.sh, which it runs, is gone.")
    assert verdict.next_step == "agent-analytics agents enable cursor"
