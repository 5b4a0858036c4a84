"""The running collector: receiver and API in one event loop, loader and dbt as children."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import structlog

from agent_analytics_collector import children
from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.access.expiry import log_expiring_keys
from agent_analytics_collector.api import app as api
from agent_analytics_collector.api.intake import Intake
from agent_analytics_collector.api.reads.routes import read_router
from agent_analytics_collector.api.token import installation_token
from agent_analytics_collector.edge.front import RateLimited, Watched
from agent_analytics_collector.edge.measurements import Measurements
from agent_analytics_collector.edge.metrics import Metrics
from agent_analytics_collector.edge.metrics_route import metrics_router
from agent_analytics_collector.edge.rate import OtlpBudget, RequestLimit
from agent_analytics_collector.edge.serving import Ports
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.errors import AlreadyRunning
from agent_analytics_collector.forward.forwarding import Forwarding
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import installation_id
from agent_analytics_collector.otlp import grpc as otlp_grpc
from agent_analytics_collector.otlp import http as otlp_http
from agent_analytics_collector.otlp.receiver import Receiver
from agent_analytics_collector.schedule import Schedule
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.erasing import finish_erasing
from agent_analytics_collector.spool.reader import count_waiting
from agent_analytics_collector.spool.recovery import cut_torn_tail
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.spool.writer import Spool
from agent_analytics_collector.state import (
    ServiceState,
    Traffic,
    read_loader,
    read_service,
    read_transform,
    write_state,
)

log = structlog.get_logger()

TICK_S = 1.0
STUCK_S = 60.0
"""How long something may wait for a loader that nothing holds up before `/readyz` says so."""
HOUSEKEEPING_FIRST_S = 600.0
HOUSEKEEPING_EVERY_S = 3600.0
"""It does once a day what is due; a laptop may not be on at the same hour each day."""


class Service:
    """One collector of one home: `async with Service(…) as service: await service.stopped()`."""

    def __init__(self, home: Home, settings: Settings, dbt_project: Path, version: str) -> None:
        self._home = home
        self._settings = settings
        self._version = version
        self._dashboards = dbt_project.with_name("dashboards")  # beside it, in a wheel too
        self._schedule = Schedule(settings.transform.interval_s)
        self._loader = children.loader(home)
        self._transform = children.transform(home, dbt_project)
        self._housekeeping = children.housekeeping(home)
        self._forwarding = Forwarding(home, settings)
        self._housekeeping_at = time.monotonic() + HOUSEKEEPING_FIRST_S
        self._measurements = Measurements()
        self._traffic = Traffic()
        self._stop = asyncio.Event()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._lock: int | None = None
        self._last_load_at = read_loader(home).last_load_at
        self._loaded_to = Position()
        self._moved_at = time.monotonic()
        """When loading last went on, or nothing waited."""

    async def __aenter__(self) -> Service:
        """Start. Raises AlreadyRunning, PortInUse, HomeUnusable."""
        self._home.create()
        self._lock = _take_lock(self._home)
        try:
            await self._start()
        except BaseException:
            os.close(self._lock)
            raise
        return self

    async def _start(self) -> None:
        settings = self._settings
        self._authenticator = Authenticator(self._home, installation_token(self._home))
        self.ports = Ports(self._home, settings, has_keys=self._authenticator.is_team)
        try:
            self.ports.bind()
            finish_erasing(self._home.spool)
            torn_bytes = cut_torn_tail(self._home.spool)
            if torn_bytes:
                log.warning("spool_tail_cut", bytes=torn_bytes)
            loaded = read_loader(self._home)
            position = Position(loaded.segment, loaded.offset)
            self._spool = Spool(self._home.spool, settings.spool, position)
            installation = installation_id(self._home)
            self.receiver = Receiver(
                self._spool, OtlpBudget(settings.limits), accepted=self._otlp_came,
                installation=installation,
            )  # fmt: skip
            limit = settings.otlp.max_request_bytes
            await self.ports.serve_grpc(
                await otlp_grpc.build_server(
                    self.receiver, self._authenticator, limit, settings.limits.request_timeout_s,
                    self.ports.room,
                )
            )  # fmt: skip
            otlp_app = otlp_http.build_app(
                self.receiver, self._authenticator, limit, settings.allowed_hosts
            )
            intake = Intake(
                self._spool,
                accepted=self._records_came,
                window_s=settings.spool.replay_window_hours * 3600,
                installation=installation,
            )
            api_app = api.build_app(
                health=self.health,
                readiness=self.readiness,
                intake=intake,
                authenticator=self._authenticator,
                allowed_hosts=settings.allowed_hosts,
                version=self._version,
            )
            api_app.include_router(read_router(self._home, settings, self._dashboards))
            self._requests = RequestLimit(settings.limits.requests_per_minute)
            watch = self._measurements
            metrics = Metrics(
                self._home, settings, self._version, self.receiver, intake, self.ports,
                self._requests, watch,
            )  # fmt: skip
            api_app.include_router(metrics_router(metrics))
            await self.ports.serve_http(
                Watched(otlp_app, watch.otlp_http_answered),
                Watched(
                    RateLimited(api_app, self._authenticator, self._requests), watch.api_answered
                ),
            )
            self.state = ServiceState(
                pid=os.getpid(),
                process_started_at=psutil.Process().create_time(),
                host=settings.host,
                grpc_port=self.ports.grpc_port,
                http_port=self.ports.http_port,
                api_port=self.ports.api_port,
                version=self._version,
                started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                torn_bytes=torn_bytes,
                certificate=str(self.ports.tls.files.certificate) if self.ports.tls else None,
            )
            self._tasks.append(asyncio.create_task(intake.remember(self._home.spool)))
        except BaseException:
            self.ports.close()
            raise
        write_state(self._home.service_state, self.state)
        write_state(self._home.traffic_state, self._traffic)
        if _marts_are_behind(self._home):
            self._schedule.data_came(time.monotonic())
        await self._loader.start()
        await self._forwarding.tell()
        self._tasks += [
            asyncio.create_task(self._pass_on_news()),
            asyncio.create_task(self._tick()),
        ]
        log_expiring_keys(self._home)
        log.info("ready", grpc=self.state.grpc, http=self.state.http, api=self.state.api_url)

    def stop(self) -> None:
        """Ask the service to end; safe from a signal handler of the loop."""
        self._stop.set()

    async def stopped(self) -> None:
        """Return once `stop` was called."""
        await self._stop.wait()

    async def __aexit__(self, *exception: object) -> None:
        """Finish the requests under way, write what is queued, end the children."""
        self._home.service_state.unlink(missing_ok=True)
        await self.ports.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._spool.close)
        with suppress(OSError):
            self._authenticator.save_use(at_once=True)
        await self._housekeeping.stop(at_once=True)
        await self._transform.stop(at_once=True)
        await self._forwarding.stop()
        await self._loader.stop()
        if self._lock is not None:
            os.close(self._lock)
        log.info("stopped")

    async def transform(self) -> None:
        """Run dbt now, or wait for the run that is under way; `run/transform.json` says how."""
        if not self._transform.running:
            self._schedule.run_started(time.monotonic())
            await self._transform.start()
        await self._transform.wait()

    def health(self) -> dict[str, Any]:
        """What `/healthz` answers."""
        return {
            "status": "ok",
            "version": self._version,
            "accepted_records": {k.value: n for k, n in self.receiver.records.items()},
            "refused_requests": dict(self.receiver.refused),
            "spool_pending_bytes": self._spool.pending_bytes,
        }

    def readiness(self) -> list[str]:
        """What keeps the collector from taking or loading what it is sent; empty when nothing."""
        reasons = []
        if self._spool.trouble is not None:
            reasons.append(self._spool.trouble)
        loader = read_loader(self._home)
        waited_s = time.monotonic() - self._moved_at
        if loader.problem:
            reasons.append(f"loading stands still: {loader.problem}")
        elif self._spool.pending_bytes and waited_s > STUCK_S and not loader.waiting_for:
            reasons.append(f"nothing was loaded for {waited_s:,.0f} s though something waits")
        return reasons

    def _records_came(self, signal: Signal, records: int) -> None:
        self.receiver.records[signal] += records
        self._data_came()

    def _otlp_came(self, signal: Signal, seconds: float) -> None:
        self._measurements.otlp_accepted(signal, seconds)
        self._data_came()

    def _data_came(self) -> None:
        self._schedule.data_came(time.monotonic())
        self._news.set()

    async def _pass_on_news(self) -> None:
        """Tell the loader of new data, at most twenty times a second."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._loader.tell()
                await self._forwarding.tell()
            except OSError as error:
                log.error("loader_not_told", problem=str(error))
            await asyncio.sleep(0.05)

    async def _tick(self) -> None:
        """Once a second: what costs nothing while nothing happens."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self._look_around()
            except OSError as error:
                log.error("tick_failed", problem=str(error))

    async def _look_around(self) -> None:
        self._tell_traffic()
        if self.ports.tls is not None:
            self.ports.tls.look_again()
        loaded = read_loader(self._home)
        position = Position(loaded.segment, loaded.offset)
        if position != self._loaded_to or not self._spool.pending_bytes:
            self._loaded_to, self._moved_at = position, time.monotonic()
        forwarding = self._forwarding
        self._spool.forget_loaded(position, forwarding.needed(), forwarding.dropping)
        await forwarding.look()
        try:
            changed = self._home.database.stat().st_mtime_ns != loaded.database_mtime_ns
        except FileNotFoundError:
            changed = True
        # Somebody may have run dbt, which is to be published; or an earlier loader ended before
        # all was loaded.
        if (changed and not self._transform.running) or self._spool.pending_bytes:
            await self._loader.tell()
        now = time.monotonic()
        if loaded.last_load_at != self._last_load_at and loaded.last_load_rows:
            self._schedule.data_came(now)  # it may have waited for hours, for a lock
        self._last_load_at = loaded.last_load_at
        if now >= self._housekeeping_at:
            self._housekeeping_at = now + HOUSEKEEPING_EVERY_S
            await self._housekeeping.start()
        if (
            self._settings.transform.enabled
            and not self._transform.running
            and self._schedule.is_due(now)
        ):
            self._schedule.run_started(now)
            await self._transform.start()
        self._authenticator.save_use()

    def _tell_traffic(self) -> None:
        """Have `status` know what was taken and refused, once there is something new."""
        cut: Counter[str] = Counter()
        for connections in self.ports.connections.values():
            cut += connections.cut
        told = Traffic(
            {signal.value: count for signal, count in self.receiver.records.items()},
            dict(self.receiver.refused),
            self._requests.refused,
            dict(cut),
        )
        if told != self._traffic:
            self._traffic = told
            write_state(self._home.traffic_state, told)


def _marts_are_behind(home: Home) -> bool:
    """Whether something was received that the last dbt run cannot have seen."""
    loader, ran = read_loader(home), read_transform(home)
    waiting = count_waiting(home.spool, Position(loader.segment, loader.offset))
    if waiting.entries or loader.last_load_at is None:
        return waiting.entries > 0
    return ran is None or ran.started_at < loader.last_load_at


def _take_lock(home: Home) -> int:
    """A descriptor that keeps other services out of this home. Raises AlreadyRunning."""
    descriptor = os.open(home.run / "service.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        running = read_service(home)
        raise AlreadyRunning(home.root, running.pid if running else None) from error
    return descriptor
