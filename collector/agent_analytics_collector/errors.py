"""The family of errors that a person is meant to read.

AgentAnalyticsError
├── BadSetting          a value in config.yaml, the environment or a flag
├── HomeUnusable        the state folder cannot be written
├── AlreadyRunning      another service uses this home
├── NotRunning          a command needs the service and there is none
├── PortInUse           a port that was asked for is taken
├── Undecodable         a request is no OTLP
├── SpoolFull           the durable inbox has no room for this signal
├── SpoolBroken         the disk under the spool refused a write
├── FileLocked          another process has the DuckDB file open
├── NotFlushed          loading did not finish in time
├── NotADatabase        the file at the database's path is no DuckDB database
├── NewerSchema         the file was written by a newer version
└── TransformFailed     dbt ended with errors
"""

from __future__ import annotations

from pathlib import Path


class AgentAnalyticsError(Exception):
    """Expected trouble; `str()` is the sentence for the person."""


class BadSetting(AgentAnalyticsError):
    """A setting has a value or a name that cannot be used."""

    def __init__(self, name: str, origin: str, problem: str) -> None:
        self.name, self.origin, self.problem = name, origin, problem
        super().__init__(f"{name} ({origin}): {problem}")


class HomeUnusable(AgentAnalyticsError):
    """The state folder cannot be created or written."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be used as the state folder: {problem}. "
            "Make it writable, or set AGENT_ANALYTICS_HOME to another folder."
        )


class AlreadyRunning(AgentAnalyticsError):
    """Another service already uses this home."""

    def __init__(self, home: Path, pid: int | None) -> None:
        self.home, self.pid = home, pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"agent-analytics is already running for {home} ({who}). "
            "Use it, stop it, or set AGENT_ANALYTICS_HOME to another folder."
        )


class NotRunning(AgentAnalyticsError):
    """A command needs the service of this home and there is none."""

    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(f"No collector is running for {home}. Start it with `agent-analytics up`.")


class PortInUse(AgentAnalyticsError):
    """A port that was asked for is taken by somebody else."""

    def __init__(self, what: str, host: str, port: int, option: str, holder: str | None) -> None:
        self.host, self.port, self.holder = host, port, holder
        by = f" by {holder}" if holder else ""
        super().__init__(
            f"The {what} port {host}:{port} is already in use{by}. "
            f"Stop that program, or choose another port with {option} (0 picks a free one)."
        )


class Undecodable(AgentAnalyticsError):
    """The bytes of a request are no OTLP at all."""


class SpoolFull(AgentAnalyticsError):
    """The durable inbox has no room left for this signal; the client should retry later."""

    def __init__(self, signal: str, pending_bytes: int, limit_bytes: int) -> None:
        self.signal, self.pending_bytes, self.limit_bytes = signal, pending_bytes, limit_bytes
        super().__init__(
            f"The spool has no room for more {signal}: {pending_bytes:,} of {limit_bytes:,} bytes "
            "wait to be loaded. `agent-analytics status` says what holds loading up."
        )


class SpoolBroken(AgentAnalyticsError):
    """The disk under the spool refused a write; nothing was acknowledged."""


class FileLocked(AgentAnalyticsError):
    """Another process has the DuckDB file open."""

    def __init__(self, path: Path, holder: str | None) -> None:
        self.path, self.holder = path, holder or "another process"
        super().__init__(
            f"{path} is open in {self.holder}. Loading waits; what was received is safe in the "
            "spool. Close that program to go on."
        )


class NotFlushed(AgentAnalyticsError):
    """What was accepted is not in the DuckDB file yet, and it is not for a lock."""

    def __init__(self, waiting_records: int, timeout_s: float, problem: str | None) -> None:
        self.waiting_records = waiting_records
        because = problem or "loading is still going on; wait longer with --timeout"
        super().__init__(
            f"After {timeout_s:g} s {waiting_records:,} records still wait in the spool: {because}"
        )


class NotADatabase(AgentAnalyticsError):
    """The file where the database should be is not one."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is no DuckDB database that this version can read: {problem}. Move the file "
            "away; a new one is filled from what the spool still holds."
        )


class NewerSchema(AgentAnalyticsError):
    """The DuckDB file was written by a newer version of agent-analytics."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        self.path, self.found, self.known = path, found, known
        super().__init__(
            f"{path} has schema version {found}; this agent-analytics knows versions up to "
            f"{known}. Upgrade agent-analytics."
        )


class TransformFailed(AgentAnalyticsError):
    """dbt ended with errors."""

    def __init__(self, problem: str, log: Path) -> None:
        self.log = log
        super().__init__(f"dbt failed: {problem}. The whole log is {log}.")
