"""Which session files there are, and from where each is to be read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.agents.session_file import Reading, Record, SessionFile, Trouble
from agent_analytics_cli.machine import machine_name
from agent_analytics_cli.sessions.imported import Imported
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session file that is to be read."""

    agent: str
    file: SessionFile
    reading: Reading
    """Where to begin; the reading moves it along."""
    machine: str | None = None
    """Whose file it is; None is not told."""

    @property
    def size(self) -> int:
        """Bytes to be read."""
        return max(self.file.size - self.reading.offset, 0)


@dataclass(slots=True)
class Plan:
    """The session files there are, and which of them are to be read."""

    imported: Imported
    looked_at: list[tuple[str, Path, int]] = field(default_factory=list)
    """(agent, its folder, session files there) for each folder."""
    trouble: Trouble = field(default_factory=Trouble)
    waiting: list[Waiting] = field(default_factory=list)
    unchanged: int = 0
    """Files that were delivered before and are the same still."""

    @property
    def titles(self) -> list[str]:
        """The agents with session files, for people; of all when none has any."""
        return list(dict.fromkeys(READERS[agent].title for agent, _, _ in self._used()))

    @property
    def folders(self) -> list[Path]:
        """The folders with session files; all that were looked at when none has any."""
        return [folder for _, folder, _ in self._used()]

    def _used(self) -> list[tuple[str, Path, int]]:
        return [each for each in self.looked_at if each[2]] or self.looked_at

    @property
    def size(self) -> int:
        """Bytes to be read."""
        return sum(waiting.size for waiting in self.waiting)


def plan_import(
    home: Home,
    settings: Settings,
    user_homes: Sequence[Path] = (),
    *,
    again: bool = False,
    machine: str | None = None,
) -> Plan:
    """What an import would read: the new and changed session files of the enabled agents.

    They are looked for under each of `user_homes`, by default where the agents themselves look.
    Of a file that grew since it was delivered, the rest is read. `again` takes all of every file.
    `machine` is where the files were written, if that was not here.
    """
    agents = [agent for agent in settings.enabled_agents if agent in READERS]
    plan = Plan(Imported.load(home, settings.backend_url))
    seen: set[str] = set()
    for user_home in user_homes or (None,):
        for agent in agents:
            folder = READERS[agent].folder(user_home)
            if (real := os.path.realpath(folder)) not in seen:
                seen.add(real)
                _look_into(plan, agent, folder, machine or machine_name(), again=again)
    return plan


def _look_into(plan: Plan, agent: str, folder: Path, machine: str | None, *, again: bool) -> None:
    found = READERS[agent].find(folder, plan.trouble)
    plan.looked_at.append((agent, folder, len(found)))
    plan.imported.forget_missing(folder, found)
    for file in found:
        if again:
            plan.waiting.append(Waiting(agent, file, Reading(), machine))
        elif plan.imported.has(file):
            plan.unchanged += 1
        else:
            plan.waiting.append(Waiting(agent, file, plan.imported.reading(file), machine))


def of_machine(record: Record, machine: str | None) -> Record:
    """The record as it is delivered: with the machine whose file tells it, where that is known."""
    if machine is not None:
        record["payload"]["machine"] = machine
    return record
