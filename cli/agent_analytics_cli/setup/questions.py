"""The questions of `init`, each asked only where no flag has answered it. All go to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import rich_click as click

from agent_analytics_cli.doctor.agents import project_folder
from agent_analytics_cli.setup.agents import AGENTS, Agent
from agent_analytics_cli.setup.answers import (
    Answers,
    Hooks,
    check_developer_id,
    endpoint_of,
)  # fmt: skip
from agent_analytics_cli.setup.status_line import is_status_line_set
from agent_analytics_collector.errors import BadSetting

LOCAL = "local"

_DETAILS = """
Tool details let commits match exactly: Claude Code then sends what its tools are called with to
{receiver}, which keeps of it only facts such as a commit's SHA and a file's path."""
_REPOSITORY = """
Repository names are put beside Claude Code's metrics, so that cost can be shown per repository."""
_STATUS_LINE = """
Claude Code has a line below its prompt. It can show what the session and today cost and how much of
your limits is used; Claude Code then starts `agent-analytics statusline` as it works."""
_HOOK = """
A git hook notes every commit, a person's as well; it adds some milliseconds. Hooks that are there
keep running."""
_PROFILE = """
The shell profile is only needed for programs that Claude Code's own settings do not reach; its
variables then hold for every program you start that uses OpenTelemetry. Copilot CLI, which has no
settings for it, gets a function there, and no other program its variables."""


def has_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def answer(defaults: Answers, flags: dict[str, Any], *, ask: bool) -> Answers:
    """The answers: of the flags, else (if `ask`) of the person, else the defaults.

    Raises BadSetting; click.Abort when the person leaves.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    fields = {name: value for name, value in given.items() if name != "backend"}
    answers = _with_backend(replace(defaults, **fields), given)
    if ask:
        for name, question in _QUESTIONS.items():
            if name not in given:
                answers = question(answers, given)
    return replace(
        answers,
        developer_id=check_developer_id(answers.developer_id),
        project_id=_or_none(answers.project_id),
    )


def read_api_key(file: Path | None) -> str | None:
    """The secret in the file (`-` is stdin), without the line's end; None without a file.

    Raises BadSetting.
    """
    if file is None:
        return None
    try:
        key = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting("api_key", str(file), f"cannot be read: {error}") from error
    return check_key(key.strip(), str(file))


def _with_backend(answers: Answers, given: dict[str, Any]) -> Answers:
    """`--backend`: another backend takes its own endpoint along, unless one is given."""
    backend = given.get("backend")
    if backend is None:
        return answers
    if backend == LOCAL:
        endpoint = given.get("endpoint")
        key = given.get("api_key") or (answers.api_key if endpoint else None)
        return replace(answers, backend_url=None, endpoint=endpoint, api_key=key)
    is_new = backend != answers.backend_url
    endpoint = given.get("endpoint") or (
        endpoint_of(_url(backend)) if is_new or not answers.endpoint else answers.endpoint
    )
    answers = replace(answers, backend_url=_url(backend), endpoint=endpoint)
    if is_new and "tool_details" not in given:
        answers = replace(answers, tool_details=False)
    return answers


def _ask_developer(answers: Answers, given: dict[str, Any]) -> Answers:
    return replace(answers, developer_id=_text("Who are you, in reports?", answers.developer_id))


def _ask_project(answers: Answers, given: dict[str, Any]) -> Answers:
    return replace(answers, project_id=_text("Project of all your work", answers.project_id))


def _ask_agents(answers: Answers, given: dict[str, Any]) -> Answers:
    wanted = (
        name
        for name, agent in AGENTS.items()
        if (name in answers.agents or agent.is_found())
        and _yes(f"Have {agent.title} report ({_place(agent)})?", name in answers.agents)
    )
    return replace(answers, agents=tuple(wanted))


def _place(agent: Agent) -> str:
    return f"in its own {agent.settings}" if agent.settings else "by its environment"


def _ask_backend(answers: Answers, given: dict[str, Any]) -> Answers:
    where = _text("Backend: `local` is this machine, or a URL", answers.backend_url or LOCAL)
    answers = _with_backend(answers, given | {"backend": where.strip()})
    if answers.backend_url and "endpoint" not in given:
        endpoint = _text("Its OTLP/gRPC endpoint", answers.endpoint)
        answers = replace(answers, endpoint=_or_none(endpoint))
    if answers.backend_url and not answers.api_key:
        key = click.prompt(
            "API key (hidden; empty for none)", hide_input=True, default="", show_default=False,
            err=True,
        )  # fmt: skip
        answers = replace(answers, api_key=check_key(key.strip(), "answer"))
    return answers


def _ask_details(answers: Answers, given: dict[str, Any]) -> Answers:
    if "claude_code" not in answers.agents:
        return answers
    receiver = answers.endpoint or "your own collector on this machine"
    click.echo(_DETAILS.format(receiver=receiver), err=True)
    return replace(answers, tool_details=_yes("Send tool details?", answers.tool_details))


def _ask_repository(answers: Answers, given: dict[str, Any]) -> Answers:
    if "claude_code" not in answers.agents:
        return answers
    click.echo(_REPOSITORY, err=True)
    return replace(
        answers, repository_names=_yes("Send repository names?", answers.repository_names)
    )


def _ask_status_line(answers: Answers, given: dict[str, Any]) -> Answers:
    # In a folder that is gone, no project has a say.
    if "claude_code" not in answers.agents or is_status_line_set(project_folder()):
        return answers
    click.echo(_STATUS_LINE, err=True)
    return replace(
        answers, status_line=_yes("Show cost and limits in it?", answers.status_line)
    )  # fmt: skip


def _ask_hooks(answers: Answers, given: dict[str, Any]) -> Answers:
    click.echo(_HOOK, err=True)
    kinds = click.Choice(["here", "everywhere", "none"])
    chosen = click.prompt("Install it", default=str(answers.hooks), type=kinds, err=True)
    return replace(answers, hooks=cast(Hooks, chosen))


def _ask_profile(answers: Answers, given: dict[str, Any]) -> Answers:
    click.echo(_PROFILE, err=True)
    return replace(
        answers, shell_profile=_yes("Write to the shell profile?", answers.shell_profile)
    )


_QUESTIONS: dict[str, Callable[[Answers, dict[str, Any]], Answers]] = {
    "developer_id": _ask_developer,
    "project_id": _ask_project,
    "agents": _ask_agents,
    "backend": _ask_backend,
    "tool_details": _ask_details,
    "repository_names": _ask_repository,
    "status_line": _ask_status_line,
    "hooks": _ask_hooks,
    "shell_profile": _ask_profile,
}
"""By the flag that answers it."""


def check_key(key: str, origin: str) -> str | None:
    """The key, if headers can carry it; None of an empty one. Raises BadSetting."""
    if key and (not key.isascii() or not key.isprintable() or " " in key):
        raise BadSetting("api_key", origin, "must be one line of printable ASCII without spaces")
    return key or None


def _url(text: str) -> str:
    try:
        url = urlsplit(text)
        is_url = url.scheme in ("http", "https") and bool(url.hostname)
    except ValueError:
        is_url = False
    if not is_url:
        raise BadSetting("backend_url", "answer", f"{text!r} must be `{LOCAL}` or an http(s) URL")
    return text


def _text(question: str, default: str | None) -> str:
    return str(click.prompt(question, default=default or "", show_default=bool(default), err=True))


def _yes(question: str, default: bool) -> bool:
    return click.confirm(question, default=default, err=True)


def _or_none(text: str | None) -> str | None:
    return (text or "").strip() or None
