"""Imports what agents write into their session files while `up` runs.

The system tells when a file changes, so nothing is done while none does. What it does not tell of
(a file system of another machine, more folders than it watches) is found by looking now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.outbound.background import CLI, run
from agent_analytics_cli.sessions.plan import plan_import
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings

log = structlog.get_logger()

SETTLE_S = 2.0
"""From the first change to the import: an answer is several lines."""
PAUSE_S = 8.0
"""After an import; each costs the start of a Python."""
LONGEST_PAUSE_S = 300.0
"""After imports that failed one after the other."""
LOOK_S = 300.0
"""How often changes are looked for that nobody told of."""
_FOLDERS_S = 60.0
"""How often agents are looked for whose folder was not there."""
_STEP_MS = 500
_ENDINGS = (".jsonl", ".json", ".gz", ".zst")


async def watch_sessions(home: Home, settings: Settings, after: asyncio.Future[None]) -> None:
    """Until cancelled: import new and grown session files, first when `after` is done."""
    changed = asyncio.Event()
    noticing = [
        asyncio.create_task(_listen(settings, changed.set)),
        asyncio.create_task(_look(home, settings, changed.set)),
    ]
    try:
        await asyncio.wait((after,))
        pause_s = PAUSE_S
        while True:
            await changed.wait()
            await asyncio.sleep(SETTLE_S)
            changed.clear()
            try:
                await run(home, *CLI, "import", output=home.logs / "import.out")
                pause_s = PAUSE_S
            except AgentAnalyticsError as error:
                log.warning("import_failed", problem=str(error))
                changed.set()
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)
    finally:
        for task in noticing:
            task.cancel()
        await asyncio.gather(*noticing, return_exceptions=True)


async def _listen(settings: Settings, changed: Callable[[], None]) -> None:
    """Call `changed` when the system says that a session file changed."""
    # Not at the top: an `up` that is not to watch needs none of it.
    import watchfiles

    def is_wanted(change: watchfiles.Change, path: str) -> bool:
        # A new folder may have files in it that nothing is said of.
        return change is watchfiles.Change.added or path.endswith(_ENDINGS)

    while True:
        folders = _folders(settings)
        if not folders:
            await asyncio.sleep(_FOLDERS_S)
            if _folders(settings):
                changed()
            continue
        try:
            async for changes in watchfiles.awatch(
                *folders,
                watch_filter=is_wanted,
                debounce=1000,
                step=_STEP_MS,
                rust_timeout=int(_FOLDERS_S * 1000),
                yield_on_timeout=True,
                ignore_permission_denied=True,
            ):
                if changes:
                    changed()
                if _folders(settings) != folders:
                    changed()
                    break
        except (OSError, RuntimeError) as error:  # no more watches to be had; no such folder now
            log.warning("sessions_not_watched", problem=str(error), looked_every_s=LOOK_S)
            await asyncio.sleep(LOOK_S)


async def _look(home: Home, settings: Settings, changed: Callable[[], None]) -> None:
    """Call `changed` when there are session files of which nobody has told."""
    while True:
        await asyncio.sleep(LOOK_S)
        if (await asyncio.to_thread(plan_import, home, settings)).waiting:
            changed()


def _folders(settings: Settings) -> list[Path]:
    """The folders there are below which the enabled agents keep their sessions."""
    readers = [READERS[agent] for agent in settings.enabled_agents if agent in READERS]
    return [
        folder
        for reader in readers
        for name in reader.kept_in
        if (folder := reader.folder(None) / name).is_dir()
    ]
