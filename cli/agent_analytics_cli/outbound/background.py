"""What `up` does in child processes of its own, so that their memory goes with them."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

from agent_analytics_cli.outbound.flusher import has_work
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home

LOOK_S = 2.0
LONGEST_PAUSE_S = 60.0

CLI = ("-m", "agent_analytics_cli.main")


async def run(home: Home, *arguments: str, quiet: bool = False, output: Path | None = None) -> None:
    """Run one of our own modules; `quiet` sends its results to stderr, `output` all it says there.

    Raises AgentAnalyticsError when it fails; it has said why itself.
    """
    with output.open("wb") if output else nullcontext() as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdout=file or (sys.stderr if quiet else None),
            stderr=file,
            env=os.environ | {"AGENT_ANALYTICS_HOME": str(home.root)},
        )
    try:
        exit_code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if exit_code:
        raise AgentAnalyticsError(
            f"`{Path(sys.executable).name} {' '.join(arguments)}` failed; logs are in {home.logs}."
        )


async def deliver_outbox(home: Home) -> None:
    """Until cancelled: deliver what hooks noted while nobody was there to start a flusher."""
    pause_s = LOOK_S
    while True:
        if has_work(home):
            with suppress(AgentAnalyticsError):  # it has logged why, where `doctor` looks
                await run(home, *CLI, "log-commit", "--queued", quiet=True)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S) if has_work(home) else LOOK_S
        await asyncio.sleep(pause_s)
