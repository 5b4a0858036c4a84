"""Checks of the agents: are their settings in effect, and were they heard of."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Verdict, how_long, ok, warn
from agent_analytics_collector.home import Home

CLAUDE_CODE = "claude_code"
_INIT = "agent-analytics init"

# A session file tells of requests whose telemetry never arrived.
_HEARD = """
with heard as (
    select
        agent, requested_at as heard_at,
        regexp_matches(cast(seen_in as varchar), 'event|span') as by_telemetry
    from main.fct_agent_requests
    union all
    select agent, booked_at, true from main.fct_metric_remainders
    union all
    -- Its hook tells of sessions, never of requests.
    select agent, ended_at, true from main.fct_agent_sessions where agent = 'cursor'
)
select agent, epoch(max(heard_at) filter (where by_telemetry)), epoch(max(heard_at))
from heard group by agent
"""


class Heard(NamedTuple):
    """When an agent last was active, in seconds since 1970; None is never."""

    by_telemetry: float | None
    at_all: float | None


def check_agent_settings(situation: Situation) -> Verdict:
    """Whether the next session of each enabled agent here would report to this collector."""
    from agent_analytics_cli.setup.agents import AGENTS
    from agent_analytics_collector.access.key_file import has_keys

    enabled = [name for name in situation.settings.enabled_agents if name in AGENTS]
    if not enabled:
        return ok("No agent is enabled.")
    if situation.settings.telemetry.endpoint is None and has_keys(situation.home):
        return warn(
            f"{', '.join(enabled)} is to send here, where `init` gives it no key, and with "
            f"{situation.home.keys} this collector turns away whoever has none.",
            f"{_INIT} --server URL --key-file FILE --direct",
        )
    used = [name for name in enabled if AGENTS[name].is_found()] or enabled[:1]
    verdicts = [
        _check_claude_code(situation) if name == CLAUDE_CODE else _check_agent(situation, name)
        for name in used
    ]
    said = " ".join(verdict.detail for verdict in verdicts)
    steps = dict.fromkeys(verdict.next_step for verdict in verdicts if verdict.next_step)
    return warn(said, "; ".join(steps)) if steps else ok(said)


def _check_agent(situation: Situation, name: str) -> Verdict:
    """Of an agent other than Claude Code."""
    from agent_analytics_cli.setup.agents import AGENTS

    agent = AGENTS[name]
    state = agent.state(project_folder())
    more = "".join(f" {sentence}" for sentence in state.problems)
    enable = f"agent-analytics agents enable {name}"
    if agent.by_hook and not state.enabled:
        return warn(f"{agent.title} does not run our hook.{more}", enable)
    if agent.by_hook:
        return ok(f"{agent.title} runs our hook, as {state.origin} says.")
    if not state.enabled:
        if agent.settings is None and not state.problems:
            return ok(
                f"{agent.title} sends no telemetry, its session files are read "
                f"(`{enable} --shell-profile` has it send)."
            )
        return warn(f"{agent.title}'s telemetry is off.{more}", enable)
    ours = wanted_endpoint(situation, over_http=state.over_http)
    if not is_same_address(state.endpoint, ours):
        return warn(
            f"{agent.title} sends to {state.endpoint}, as {state.origin or 'nothing else'} says; "
            f"this collector is {ours}.{more}",
            f"{enable}; or change {state.origin or 'its settings'}, "
            f"or have that receiver forward to {ours}",
        )
    said = f"{agent.title} sends its telemetry to {state.endpoint}.{more}"
    return warn(said, "Mend that file") if state.problems else ok(said)


def _check_claude_code(situation: Situation) -> Verdict:
    from agent_analytics_cli.agents.claude_code.otel_variables import DETAILS, ENDPOINT
    from agent_analytics_cli.agents.claude_code.telemetry import telemetry_status
    from agent_analytics_cli.machine import claude_config_dir

    status = telemetry_status(claude_config_dir(), project_folder())
    more = "".join(f" {sentence}" for sentence in (*status.problems, *status.overrides))
    endpoint = status.endpoint or "http://localhost:4317"
    over_http = (status.protocol or "").startswith("http")
    ours = wanted_endpoint(situation, over_http=over_http)
    is_foreign = not is_same_address(endpoint, ours)
    origin = status.origins.get(ENDPOINT)
    if not status.enabled:
        said, step = f"Claude Code's telemetry is off.{more}", _INIT
        if status.problems:
            step = "Mend that file, then run init"
        elif origin and is_foreign:  # init never takes over
            said += f" {origin} sets {ENDPOINT}={endpoint}; this collector is {ours}."
            step = f"Take {ENDPOINT} out of {origin}, then run `{_INIT}`"
        return warn(said, step)
    if is_foreign:
        return warn(
            f"Claude Code sends to {endpoint}, as {origin or 'nothing else'} says; "
            f"this collector is {ours}.{more}",
            f"{_INIT}; or change {ENDPOINT} in {origin or 'its settings'}, "
            f"or have that receiver forward to {ours}",
        )
    verb = "is set to send" if status.problems else "sends"
    said = f"Claude Code {verb} its telemetry to {endpoint}"
    if not status.details:
        setting = status.origins.get(DETAILS)
        return warn(
            f"{said}, but without tool details, so its commits are matched by time alone.{more}",
            f"Set {DETAILS}=1 in {setting}" if setting else f"{_INIT} --tool-details",
        )
    if status.problems:
        return warn(f"{said}, tool details included.{more}", "Mend that file")
    return ok(f"{said}, tool details included.{more}")


def project_folder() -> Path | None:
    """Where a session would look for the project's settings; None in a folder that is gone."""
    from agent_analytics_cli.git.repository import NotARepository, find_repository

    try:
        here = Path.cwd()
        return find_repository(here).top_level or here
    except NotARepository:
        return here
    except FileNotFoundError:
        return None


def wanted_endpoint(situation: Situation, *, over_http: bool) -> str:
    """Where agents are to send: what the settings say, else this home's own collector."""
    from agent_analytics_cli.agents.telemetry import http_base_of

    endpoint = situation.settings.telemetry.endpoint
    if endpoint:
        return (http_base_of(endpoint, over_http=False) if over_http else None) or endpoint
    ports = situation.service or situation.settings
    return f"http://127.0.0.1:{ports.http_port if over_http else ports.grpc_port}"


def is_same_address(endpoint: str | None, other: str) -> bool:
    """Whether two endpoints are one host and port."""
    return endpoint is not None and _address(endpoint) == _address(other)


def _address(endpoint: str) -> tuple[str | None, int | None]:
    """Host and port, every name of this machine's loopback being one."""
    from agent_analytics_collector.addresses import is_loopback

    url = endpoint if "://" in endpoint else f"http://{endpoint}"
    parts = urlsplit(url)
    host = "localhost" if is_loopback(url) else parts.hostname
    try:
        return host, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:  # no number, or no port's
        return host, None


def check_agent_heard(situation: Situation) -> Verdict:
    """Whether telemetry of each enabled agent that is used here has reached the marts."""
    heard = heard_by_agent(situation.home)
    agents = _expected(situation.settings.enabled_agents, heard or {})
    if heard is None and any(situation.overview()["records"].values()):
        return warn("Records came, but no marts are published yet.", "agent-analytics transform")
    if not agents:
        return ok("No agent is enabled.")
    said, silent = [], []
    for agent in agents:
        when = (heard or {}).get(agent, Heard(None, None))
        if when.by_telemetry is not None:
            said.append(f"{agent} was heard {how_long(time.time() - when.by_telemetry)} ago")
            continue
        silent.append(agent)
        said.append(
            f"{agent} is known from its session files alone, its telemetry never came"
            if when.at_all is not None
            else f"{agent} was never heard"
        )
    sentence = f"{'; '.join(said)}."
    if not silent:
        return ok(sentence)
    return warn(
        sentence,
        "See the other checks, start the agent anew and ask it something: "
        "its telemetry comes within a minute or two",
    )


def _expected(enabled: tuple[str, ...], heard: Mapping[str, Heard]) -> tuple[str, ...]:
    """Those of the enabled agents that are used here; all of them when none seems to be."""
    from agent_analytics_cli.setup.agents import AGENTS

    def is_used(agent: str) -> bool:
        return agent in heard or agent not in AGENTS or AGENTS[agent].folder().is_dir()

    return tuple(filter(is_used, enabled)) or enabled


def heard_by_agent(home: Home) -> dict[str, Heard] | None:
    """By agent; None when nothing is published yet."""
    from agent_analytics_cli.marts import open_marts

    with open_marts(home) as marts:
        if marts is None:
            return None
        return {agent: Heard(*times) for agent, *times in marts.execute(_HEARD).fetchall()}
