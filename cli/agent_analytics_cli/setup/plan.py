"""What `init` would change, worked out without changing anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import msgspec

from agent_analytics_cli.agents.claude_code.otel_variables import HEADERS, SECRET_KEY, variables
from agent_analytics_cli.agents.claude_code.settings_files import ENV
from agent_analytics_cli.agents.claude_code.telemetry import TelemetryPlan, plan_telemetry
from agent_analytics_cli.changes import ChangeRefused, FileChange, masked
from agent_analytics_cli.config_file import plan_config
from agent_analytics_cli.git.hooks import HooksPlan, plan_install, plan_install_everywhere
from agent_analytics_cli.git.repository import (
    GitFailed,
    NotARepository,
    Repository,
    find_repository,
)  # fmt: skip
from agent_analytics_cli.machine import claude_config_dir, shell_name, user_home
from agent_analytics_cli.receipt import Receipt, holds
from agent_analytics_cli.setup.answers import Answers
from agent_analytics_cli.setup.ports import check_ports
from agent_analytics_cli.shell_profile import plan_profile, profile_of, variables_of
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, load_settings

BACKUP_SUFFIX = ".agent-analytics-backup"


@dataclass(frozen=True, slots=True)
class Step:
    """One file to write, and what the receipt has to say about it."""

    change: FileChange
    kind: str | None = None
    """As in `receipt.Entry`; None for a file of our own folder, which needs no receipt."""
    fragments: tuple[str, ...] = ()
    under: str | None = None
    copy_of: Path | None = None


@dataclass(slots=True)
class SetupPlan:
    """Everything that `init` would do."""

    settings: Settings
    """In force afterwards."""
    steps: list[Step] = field(default_factory=list)
    hooks: HooksPlan | None = None
    left_alone: list[str] = field(default_factory=list)
    """What was asked for and is not done, why, and what a person can do."""
    notes: list[str] = field(default_factory=list)
    secrets: tuple[str, ...] = ()

    @property
    def changes(self) -> list[FileChange]:
        """Of all files, in order."""
        steps = [step.change for step in self.steps]
        if self.hooks is None:
            return steps
        stubs = [stub for stub in self.hooks.stubs if stub.is_change]
        return [*steps, *stubs, *self.hooks.changes]

    def diff(self) -> str:
        """The exact difference of every file, secrets masked."""
        return masked("".join(self._diffs()), self.secrets)

    def _diffs(self) -> Iterator[str]:
        copies = {step.change.path: step.copy_of for step in self.steps}
        for change in self.changes:
            original = copies.get(change.path)
            yield f"copy {original} to {change.path}\n" if original else change.diff()


def plan_setup(
    home: Home,
    answers: Answers,
    receipt: Receipt,
    here: Path,
    managed: Sequence[Path] | None = None,
) -> SetupPlan:
    """What has to change for the answers to be in effect; empty when they are.

    `here` is the folder that `init` was called in. `managed` replaces the places of Claude Code's
    managed settings. Raises BadSetting.
    """
    given = answers.settings()
    old = load_settings(home).settings
    settings = _in_force(home, answers)
    secrets = [secret for secret in (old.api_key, answers.api_key) if secret]
    plan = SetupPlan(settings, secrets=tuple({*secrets, *(quote(one) for one in secrets)}))
    try:
        config = plan_config(home.config_file, given)
        if config.is_change:
            plan.steps.append(Step(config))
    except ChangeRefused as error:
        plan.left_alone.append(str(error))
        plan.settings = old  # what is not written down is not in force
    plan.notes += _still_there(answers, receipt)
    repository = _repository(here)
    if answers.agents or answers.shell_profile:
        _add_telemetry(plan, answers, receipt, repository, here, home, managed)
    _add_hooks(plan, home, answers, repository)
    return plan


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
    unwanted = {"settings": not answers.agents, "profile": not answers.shell_profile}
    return [
        f"{entry.path} stays as an earlier init left it; `agent-analytics uninstall` takes it out."
        for entry in receipt.entries
        if unwanted.get(entry.kind)
    ]


def _add_telemetry(
    plan: SetupPlan,
    answers: Answers,
    receipt: Receipt,
    repository: Repository | None,
    here: Path,
    home: Home,
    managed: Sequence[Path] | None,
) -> None:
    """Claude Code's settings.json and the shell's profile: both send, or neither does."""
    settings = plan.settings
    endpoint = settings.telemetry.endpoint
    if endpoint is None:
        ports = check_ports(home, settings)
        plan.notes += ports.notes
        if ports.problem:
            plan.left_alone.append(ports.problem)
            return
        endpoint = f"http://127.0.0.1:{settings.grpc_port}"
    headers = {"x-developer-id": answers.developer_id}
    if settings.api_key and settings.telemetry.endpoint:
        headers[SECRET_KEY] = settings.api_key
    config_dir = claude_config_dir()
    path = config_dir / "settings.json"
    profiles = [entry for entry in receipt.entries if entry.kind == "profile"]
    entry = receipt.find(path)
    try:
        telemetry = plan_telemetry(
            config_dir, endpoint, headers, details=answers.tool_details,
            repository_names=answers.repository_names,
            export_interval_s=settings.telemetry.export_interval,
            project_dir=(repository and repository.top_level) or here,
            managed=managed, entry=entry,
            own_variables={
                pair for old in profiles for text in old.fragments for pair in variables_of(text)
            },
        )  # fmt: skip
    except ChangeRefused as error:
        plan.left_alone.append(str(error))
        return
    plan.left_alone += telemetry.conflicts
    if telemetry.conflicts:
        return
    if answers.agents:
        plan.notes += telemetry.kept
        _add_settings(plan, telemetry, receipt)
    if answers.shell_profile:
        wanted = variables(
            endpoint, {"x-developer-id": answers.developer_id}, details=answers.tool_details,
            repository_names=answers.repository_names,
            export_interval_s=settings.telemetry.export_interval,
        )  # fmt: skip
        if SECRET_KEY in headers:
            del wanted[HEADERS]  # half of the headers in the profile would hide the whole
            plan.notes.append("The shell profile gets no headers: the API key is a secret.")
        _add_profile(plan, wanted, receipt)


def _add_settings(plan: SetupPlan, telemetry: TelemetryPlan, receipt: Receipt) -> None:
    change = telemetry.change
    if change is None:
        return
    entry, backup = receipt.find(change.path), Path(f"{change.path}{BACKUP_SUFFIX}")
    is_first = entry is None or change.before is None or not holds(entry, change.before)
    if change.before is not None and is_first:
        if backup.exists():
            plan.notes.append(f"{backup} is there already and stays; no other copy is made.")
        else:
            copy = FileChange(
                backup, None, change.before, "a copy as it was", change.path.stat().st_mode & 0o7777
            )
            plan.steps.append(Step(copy, "backup", copy_of=change.path))
    plan.steps.append(Step(change, "settings", (telemetry.fragment,), ENV))


def _add_profile(plan: SetupPlan, wanted: dict[str, str], receipt: Receipt) -> None:
    shell = shell_name() or "bash"
    try:
        path = profile_of(shell)
        profile = plan_profile(wanted, path, shell, receipt.find(path))
    except ChangeRefused as error:
        plan.left_alone.append(str(error))
        return
    if profile.change.is_change:
        plan.steps.append(Step(profile.change, "profile", (profile.fragment,)))


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
