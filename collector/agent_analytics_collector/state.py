"""What running processes of one home tell each other: small JSON files in `run/`.

The files are replaced, never rewritten in place, so a reader sees one state or the next.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec
import psutil

from agent_analytics_collector.home import Home


class ServiceState(msgspec.Struct, frozen=True):
    """`run/service.json`: a running `agent-analytics up`."""

    pid: int
    process_started_at: float
    """Start of the process, seconds since 1970, so that a reused pid is not taken for it."""
    host: str
    grpc_port: int
    http_port: int
    api_port: int
    version: str
    started_at: str
    """UTC, ISO 8601."""
    torn_bytes: int = 0
    """Bytes of half-written entries cut from the spool at this start."""
    certificate: str | None = None
    """Path of the certificate that the ports are served with; None is plain text."""

    @property
    def tls(self) -> bool:
        return self.certificate is not None

    @property
    def grpc(self) -> str:
        return f"{self._address}:{self.grpc_port}"

    @property
    def http(self) -> str:
        return f"{self._address}:{self.http_port}"

    @property
    def api_url(self) -> str:
        return f"{self._scheme}://{self._address}:{self.api_port}"

    @property
    def http_url(self) -> str:
        """Base URL of OTLP/HTTP."""
        return f"{self._scheme}://{self._address}:{self.http_port}"

    @property
    def _scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def _address(self) -> str:
        """The address a client on this machine uses: a wildcard is reached on loopback."""
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"[{reachable}]" if ":" in reachable else reachable


class DbtRun(msgspec.Struct, frozen=True):
    """One dbt run that is over."""

    finished_at: str
    status: str
    """success or error"""
    models: int = 0
    errors: int = 0
    problem: str | None = None
    """What dbt said, when it failed before it could record anything."""
    duration_s: float | None = None
    """None of a run that somebody else started."""


class TransformState(msgspec.Struct, frozen=True):
    """`run/transform.json`: the last `transform` of this home."""

    started_at: str
    running_pid: int | None = None
    last: DbtRun | None = None
    shape: str | None = None
    """Digest of the models that the last successful run was made with."""
    whole: str | None = None
    """Digest of the project that the last successful run of all of it was made with."""
    whole_at: str | None = None
    """When that run began."""


class LoaderState(msgspec.Struct, frozen=True):
    """`run/loader.json`: how far loading is, and what it waits for."""

    segment: int = 0
    offset: int = 0
    """Spool position up to which everything is in the DuckDB file."""
    records: dict[str, int] = {}
    """Rows in the DuckDB file by signal."""
    rejected: int = 0
    """Rows in raw_rejected."""
    last_load_at: str | None = None
    last_load_rows: int = 0
    last_load_s: float = 0.0
    """How long that load had the file."""
    lock_waits: int = 0
    """How often loading had to wait for the file, ever."""
    lock_wait_s: float = 0.0
    """How long that was, all together; a wait that goes on is not in it."""
    waiting_for: str | None = None
    """Who holds the DuckDB file, while loading waits for it."""
    waiting_since: str | None = None
    problem: str | None = None
    """Why loading stands still for another reason than a lock."""
    database_mtime_ns: int = 0
    """Modification time of the DuckDB file when the loader last let go of it."""
    last_dbt_run: DbtRun | None = None
    """The newest row of `dbt_runs`, whoever started it."""


class Traffic(msgspec.Struct, frozen=True):
    """`run/traffic.json`: what a running service took and refused since it started."""

    accepted: dict[str, int] = {}
    """Records by signal."""
    refused: dict[str, int] = {}
    """OTLP requests by gRPC status."""
    rate_limited: int = 0
    """Requests of the API over a sender's rate."""
    connections_cut: dict[str, int] = {}
    """HTTP connections that were ended before their time, by reason."""


class Step(msgspec.Struct, frozen=True):
    """A step of `run/housekeeping.json`: how it went the last time."""

    at: str
    """UTC, ISO 8601."""
    seconds: float
    problem: str | None = None
    """Why it failed; it is tried again the next hour."""


Steps = dict[str, Step]

State = TypeVar("State", ServiceState, LoaderState, TransformState, Traffic)


def read_service(home: Home) -> ServiceState | None:
    """The running service of this home; None when there is none."""
    state = _read(home.service_state, ServiceState)
    if state is None:
        return None
    started = process_started_at(state.pid)
    same = started is not None and abs(started - state.process_started_at) < 2
    return state if same else None


def read_loader(home: Home) -> LoaderState:
    """The loader's last word; a fresh state when it never said one."""
    return _read(home.loader_state, LoaderState) or LoaderState()


def process_started_at(pid: int) -> float | None:
    """Start of a running process, seconds since 1970; None when it does not run.

    A killed process whose parent does not look after it, as in a container without an init, keeps
    its pid and does not run.
    """
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def read_traffic(home: Home) -> Traffic:
    """What the running service said last of what it took and refused."""
    return _read(home.traffic_state, Traffic) or Traffic()


def read_housekeeping(home: Home) -> Steps:
    """How each step went the last time; empty before the first."""
    try:
        return msgspec.json.decode(home.housekeeping_state.read_bytes(), type=Steps)
    except (OSError, msgspec.DecodeError):
        return {}


def read_transform(home: Home) -> TransformState | None:
    """The last `transform` of this home; None when there was none."""
    return _read(home.transform_state, TransformState)


def write_state(path: Path, state: ServiceState | LoaderState | TransformState | Traffic) -> None:
    """Replace the file at once; 0600."""
    write_bytes(path, msgspec.json.encode(state))


def write_bytes(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Replace a file at once; 0600. `durable` has it on disk before it takes the old's place."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:  # a full disk: nothing of it stays
        os.unlink(temporary)
        raise


def _read(path: Path, kind: type[State]) -> State | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
