"""What `init` changes for agents to report: their own settings, and the shell's profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from agent_analytics_cli.agents.claude_code.otel_variables import HEADERS, SECRET_KEY, variables
from agent_analytics_cli.agents.copilot_cli import telemetry as copilot_cli
from agent_analytics_cli.agents.telemetry import (
    KeptReceiver,
    Receiver,
    TelemetryPlan,
    http_base_of,
    shown,
)  # fmt: skip
from agent_analytics_cli.changes import ChangeRefused, FileChange
from agent_analytics_cli.machine import shell_name
from agent_analytics_cli.receipt import Receipt, holds
from agent_analytics_cli.setup.agents import AGENTS, Agent, Wish
from agent_analytics_cli.setup.answers import Answers
from agent_analytics_cli.setup.forwards import is_ours
from agent_analytics_cli.setup.ports import check_ports
from agent_analytics_cli.setup.steps import SetupPlan, Step
from agent_analytics_cli.shell_profile import calls_of, plan_profile, profile_of, set_by
from agent_analytics_collector.access.key_file import has_keys
from agent_analytics_collector.home import Home

BACKUP_SUFFIX = ".agent-analytics-backup"
CLAUDE_CODE, COPILOT_CLI = "claude_code", "copilot_cli"


def add_telemetry(
    plan: SetupPlan,
    home: Home,
    answers: Answers,
    receipt: Receipt,
    project_dir: Path,
    only: str | None = None,
    managed: Sequence[Path] | None = None,
) -> None:
    """Each agent's settings, and the profile; what stands in an agent's way stops that one alone.

    `only` names the one agent to set up: what the profile holds for others stays.
    """
    receiver = _receiver(plan, home, answers)
    if receiver is None:
        return
    blocks = [text for entry in receipt.entries if entry.kind == "profile"
              for text in entry.fragments]  # fmt: skip
    own = {pair for text in blocks for pair in set_by(text).items()}
    exported = {name: value for text in blocks for name, value in set_by(text).items()}
    calls = {program: found for text in blocks for program, found in calls_of(text).items()}
    in_profile = answers.shell_profile or copilot_cli.PROGRAM in calls
    wanted = [only] if only else list(answers.agents)
    ready = []
    # Variables in the profile reach Claude Code whether or not it is among the agents.
    for name in wanted or [CLAUDE_CODE]:
        agent = AGENTS[name]
        path = agent.settings_file
        wish = Wish(
            receiver, answers.tool_details, answers.repository_names,
            plan.settings.telemetry.export_interval, project_dir, in_profile,
            receipt.find(path) if path else None, own, managed, home,
            answers.keep_receivers or _is_kept(home, plan, name),
        )  # fmt: skip
        try:
            telemetry = agent.plan(wish)
        except ChangeRefused as error:
            plan.left_alone.append(str(error))
            continue
        plan.left_alone += telemetry.conflicts
        if telemetry.conflicts:
            if telemetry.receiver:
                plan.offers[name] = telemetry.receiver
                plan.notes.append(
                    f"`agent-analytics init --keep-receivers` has {agent.title} send here, and "
                    f"sends it on to {shown(telemetry.receiver.endpoint)}."
                )
            continue
        if telemetry.receiver:
            _keep(plan, agent, telemetry.receiver)
        ready.append(name)
        if wanted:
            plan.notes += telemetry.kept
            _add_settings(plan, agent, telemetry, receipt)
    if not in_profile:
        return
    if answers.shell_profile:
        if not only:
            exported, calls = {}, {}
        if CLAUDE_CODE in ready:
            exported = _exported(plan, answers, receiver)
    if COPILOT_CLI in ready and (found := copilot_cli.variables(receiver)):
        calls[copilot_cli.PROGRAM] = found
    if exported or calls:
        add_profile(plan, exported, calls, receipt)


def _receiver(plan: SetupPlan, home: Home, answers: Answers) -> Receiver | None:
    """Where agents are to send; None when they must not, which is said."""
    settings = plan.settings
    headers = {"x-developer-id": answers.developer_id}
    endpoint = settings.telemetry.endpoint
    if endpoint is not None:
        if settings.api_key:
            headers[SECRET_KEY] = settings.api_key
        return Receiver(endpoint, http_base_of(endpoint, over_http=False), headers)
    if has_keys(home):
        plan.left_alone.append(
            f"Agents get no telemetry: with {home.keys} this home is a team's server, which turns "
            "away whoever has no key. `agent-analytics init --server URL --key-file FILE --direct` "
            "gives them one."
        )
        return None
    ports = check_ports(home, settings)
    plan.notes += ports.notes
    if ports.problem:
        plan.left_alone.append(ports.problem)
        return None
    http = f"http://127.0.0.1:{settings.http_port}" if settings.http_port else None
    return Receiver(f"http://127.0.0.1:{settings.grpc_port}", http, headers)


def _is_kept(home: Home, plan: SetupPlan, name: str) -> bool:
    """Whether an earlier answer was to send on what this agent sends."""
    return any(is_ours(home, forward, name) for forward in plan.settings.forward)


def _keep(plan: SetupPlan, agent: Agent, kept: KeptReceiver) -> None:
    plan.receivers[kept.agent] = kept
    plan.secrets += tuple({form for value in kept.headers.values() if len(value) > 3
                           for form in (value, quote(value))})  # fmt: skip
    plan.notes.append(
        f"{agent.title} sent to {shown(kept.endpoint)}. It sends to this machine's collector from "
        "now on, and while `agent-analytics up` runs, that goes on to there (`forward` in "
        "config.yaml)."
    )


def _exported(plan: SetupPlan, answers: Answers, receiver: Receiver) -> dict[str, str]:
    """What every program started from the shell gets."""
    wanted = variables(
        receiver.endpoint, {"x-developer-id": answers.developer_id}, details=answers.tool_details,
        repository_names=answers.repository_names,
        export_interval_s=plan.settings.telemetry.export_interval,
    )  # fmt: skip
    if SECRET_KEY in receiver.headers:
        del wanted[HEADERS]  # half of the headers in the profile would hide the whole
        plan.notes.append("The shell profile gets no headers: the API key is a secret.")
    return wanted


def _add_settings(
    plan: SetupPlan, agent: Agent, telemetry: TelemetryPlan, receipt: Receipt
) -> None:
    change = telemetry.change
    for file in telemetry.files:
        plan.steps.append(Step(file, "stub", ((file.after or b"").decode(),)))
    if change is None:
        return
    entry, backup = receipt.find(change.path), backup_of(change.path)
    is_first = entry is None or change.before is None or not holds(entry, change.before)
    if change.before is not None and is_first:
        if backup.exists():
            plan.notes.append(f"{backup} is there already and stays; no other copy is made.")
        else:
            copy = FileChange(
                backup, None, change.before, "a copy as it was", change.path.stat().st_mode & 0o7777
            )
            plan.steps.append(Step(copy, "backup", copy_of=change.path))
    fragments = telemetry.fragments or ((telemetry.fragment,) if telemetry.fragment else ())
    step = Step(change, "settings", fragments, agent.under, replaced=telemetry.replaced)
    plan.steps.append(step)


def backup_of(path: Path) -> Path:
    """Where the copy of a settings file goes."""
    return Path(f"{path}{BACKUP_SUFFIX}")


def add_profile(
    plan: SetupPlan, exported: dict[str, str], calls: dict[str, dict[str, str]], receipt: Receipt
) -> None:
    """The block in the shell's profile; why there can be none is said."""
    shell = shell_name() or "bash"
    try:
        path = profile_of(shell)
        profile = plan_profile(exported, path, shell, receipt.find(path), calls)
    except ChangeRefused as error:
        plan.left_alone.append(str(error))
        return
    if profile.change.is_change:
        plan.steps.append(Step(profile.change, "profile", (profile.fragment,)))
