"""What `init` would change, worked out without changing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from agent_analytics_cli.changes import ChangeRefused, FileChange
from agent_analytics_cli.config_file import plan_config
from agent_analytics_cli.git.hooks import plan_install, plan_install_everywhere
from agent_analytics_cli.git.repository import (
    GitFailed,
    NotARepository,
    Repository,
    find_repository,
)  # fmt: skip
from agent_analytics_cli.machine import user_home
from agent_analytics_cli.receipt import Receipt
from agent_analytics_cli.setup.agents import AGENTS
from agent_analytics_cli.setup.answers import STATUS_LINE, Answers
from agent_analytics_cli.setup.forwards import (
    as_setting,
    headers_name,
    plan_headers,
    with_forward,
)
from agent_analytics_cli.setup.status_line import add_status_line
from agent_analytics_cli.setup.steps import SetupPlan, Step
from agent_analytics_cli.setup.telemetry_steps import add_telemetry
from agent_analytics_cli.shell_profile import calls_of, set_by
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, load_settings


def plan_setup(
    home: Home,
    answers: Answers,
    receipt: Receipt,
    here: Path,
    managed: Sequence[Path] | None = None,
    only: str | None = None,
) -> SetupPlan:
    """What has to change for the answers to be in effect; empty when they are.

    `here` is the folder that `init` was called in. `only` names the one agent whose settings are
    to be changed; else those of all in the answers are. `managed` replaces the places of Claude
    Code's managed settings. Raises BadSetting.
    """
    given = answers.settings()
    old = load_settings(home).settings
    settings = _in_force(home, answers)
    secrets = [secret for secret in (old.api_key, answers.api_key) if secret]
    plan = SetupPlan(settings, secrets=tuple({*secrets, *(quote(one) for one in secrets)}))
    plan.notes += _still_there(answers, receipt)
    repository = _repository(here)
    project_dir = (repository and repository.top_level) or here
    config = _plan_config(home, given, plan)
    if config is None:
        plan.settings = old  # what is not written down is not in force
    if answers.agents or answers.shell_profile:
        add_telemetry(plan, home, answers, receipt, project_dir, only, managed)
    if config is not None:
        _put_first(plan, home, answers, given, config)
    if answers.status_line and not only:
        add_status_line(plan, receipt, project_dir, managed)
    _add_hooks(plan, home, answers, repository)
    return plan


def _plan_config(home: Home, given: Mapping[str, Any], plan: SetupPlan) -> FileChange | None:
    """How config.yaml is to be; None when it cannot be changed, which is said."""
    try:
        return plan_config(home.config_file, given)
    except ChangeRefused as error:
        plan.left_alone.append(str(error))
        return None


def _put_first(
    plan: SetupPlan, home: Home, answers: Answers, given: dict[str, Any], config: FileChange
) -> None:
    """Before an agent is told to send here: what is to be sent on is written down by then."""
    headers = dict(answers.forward_headers)
    forwards = plan.settings.forward
    for name, kept in plan.receivers.items():
        headers[name] = kept.headers
        forwards = with_forward(home, forwards, name, kept.forward(headers_name(home, name)))
    steps = []
    try:
        for whose, found in headers.items():
            change = plan_headers(home, whose, found)
            if change.is_change:
                steps.append(Step(change, is_secret=True))
        if plan.receivers:
            config = plan_config(home.config_file, given | {"forward": as_setting(forwards)})
    except ChangeRefused as error:
        plan.left_alone.append(str(error))
        plan.steps.clear()
        return
    if config.is_change:
        steps.append(Step(config))
    plan.steps[:0] = steps


def _in_force(home: Home, answers: Answers) -> Settings:
    """The settings after the answers; an answer of "none" is one too."""
    given = answers.settings()
    settings = load_settings(home, given).settings
    telemetry = msgspec.structs.replace(settings.telemetry, endpoint=answers.endpoint)
    return msgspec.structs.replace(
        settings, telemetry=telemetry, api_key=answers.api_key, backend_url=answers.backend_url,
        project_id=answers.project_id,
    )  # fmt: skip


def _still_there(answers: Answers, receipt: Receipt) -> list[str]:
    """What an earlier answer put in and this one no longer wants: init only adds."""
    commands = {
        str(agent.settings_file): f"agents disable {name}"
        for name, agent in AGENTS.items()
        if name not in answers.agents
    }
    for entry in receipt.entries:
        if entry.part == STATUS_LINE and not answers.status_line:
            commands.setdefault(entry.path, "uninstall")
        block = "".join(entry.fragments) if entry.kind == "profile" else ""
        if set_by(block) and not answers.shell_profile:
            commands[entry.path] = "uninstall"
        elif calls_of(block) and "copilot_cli" not in answers.agents:
            commands[entry.path] = "agents disable copilot_cli"
    return [
        f"{path} stays as an earlier init left it; `agent-analytics {commands[path]}` takes it out."
        for path in dict.fromkeys(entry.path for entry in receipt.entries)
        if path in commands
    ]


def _add_hooks(
    plan: SetupPlan, home: Home, answers: Answers, repository: Repository | None
) -> None:
    if answers.hooks == "none":
        return
    try:
        if answers.hooks == "everywhere":
            plan.hooks = plan_install_everywhere(home, [user_home()])
        elif repository is None:
            plan.left_alone.append(
                "No hook is installed: this folder is in no git repository. "
                "`agent-analytics hooks install` does it later, inside one."
            )
            return
        else:
            plan.hooks = plan_install(repository, home)
    except (GitFailed, ChangeRefused) as error:
        plan.left_alone.append(f"No hook is installed: {error}")
        return
    plan.left_alone += plan.hooks.refusals


def _repository(here: Path) -> Repository | None:
    try:
        return find_repository(here)
    except (NotARepository, GitFailed):
        return None
