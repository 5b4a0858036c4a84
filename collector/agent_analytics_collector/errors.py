"""The family of errors that a person is meant to read.

AgentAnalyticsError
├── BadSetting          a value in config.yaml, the environment or a flag
├── HomeUnusable        the state folder cannot be written
├── AlreadyRunning      another service uses this home
├── NotRunning          a command needs the service and there is none
├── PortInUse           a port that was asked for is taken
├── NotSafeToServe      others would reach the collector without keys, or in the clear
├── TlsUnusable         the certificate or its key cannot be used
├── Undecodable         a request is no OTLP
├── Looped              a request that was sent on came back
├── SpoolFull           the durable inbox has no room for this signal
├── SpoolBroken         the disk under the spool refused a write
├── FileLocked          another process has the DuckDB file open
├── NotFlushed          loading did not finish in time
├── NotADatabase        the file at the database's path is no DuckDB database
├── NewerSchema         the file was written by a newer version
├── FactsDiffer         what would be archived is not what dbt made
├── UnknownDeveloper    nothing is stored about somebody of that name
├── NotErased           after an erasure something of the person is still there
├── FolderInUse         the folder for an export holds something already
├── TransformFailed     dbt ended with errors
├── Unauthenticated     a request without a key, or with one that is not taken
├── NotAllowed          a key that may not do this
├── BadKey              a key that cannot be made as asked for
├── NoSuchKey           there is no such key, or it holds no more
├── KeysUnusable        the file of keys cannot be read
├── AccessNotLogged     a look at somebody's data cannot be written down, so it is not given
├── MartsUnreadable     the published marts exist and cannot be used
├── RunGone             a page of a published run that is no longer kept
├── AskedWrongly        a question that cannot be asked like that
├── TookTooLong         a question that needs more time or memory than one may
└── TooManyAsk          questions come faster than they can be answered
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


class NotSafeToServe(AgentAnalyticsError):
    """An address that others reach was asked for, without keys or without encryption."""

    def __init__(self, host: str, *, has_keys: bool, is_encrypted: bool) -> None:
        self.host, self.has_keys, self.is_encrypted = host, has_keys, is_encrypted
        missing = []
        if not has_keys:
            missing.append(
                "keys, made with `agent-analytics keys create`, so that not everybody may send and "
                "read"
            )
        if not is_encrypted:
            missing.append(
                "encryption: tls.certificate and tls.key in config.yaml, or tls.behind_proxy where "
                "a proxy in front ends TLS"
            )
        super().__init__(
            f"Other machines reach {host or 'all interfaces'}, and this collector lacks "
            f"{'; and '.join(missing)}. docs/server.md has both; without them it serves 127.0.0.1."
        )


class TlsUnusable(AgentAnalyticsError):
    """The certificate or its private key cannot be read, or they do not belong together."""

    def __init__(self, certificate: Path, key: Path | None, problem: str) -> None:
        self.certificate, self.key = certificate, key
        files = f"{certificate} with {key}" if key else str(certificate)
        super().__init__(
            f"The certificate {files} cannot be used: {problem}. tls.certificate and tls.key in "
            "config.yaml name PEM files that belong together."
        )


class Undecodable(AgentAnalyticsError):
    """The bytes of a request are no OTLP at all."""


class Looped(AgentAnalyticsError):
    """A request that this installation sent on came back, or went through too many."""

    def __init__(self, hops: int) -> None:
        self.hops = hops
        super().__init__(
            f"This request was sent on by {hops} installations, and by this one before. Mend "
            "`forward` in the config.yaml of whoever sends it here."
        )


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


class FactsDiffer(AgentAnalyticsError):
    """Facts of raw rows would be read from the archive as others than they are."""

    def __init__(self, model: str, rows: int) -> None:
        self.model, self.rows = model, rows
        super().__init__(
            f"{rows:,} rows of {model} cannot be archived exactly, so their raw rows stay. This is "
            "a bug of agent-analytics; please report it with your version."
        )


class UnknownDeveloper(AgentAnalyticsError):
    """Nobody of that name is in the records."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"Nothing is stored about {name!r}. `agent-analytics report --by developer` shows the "
            "names there are; an e-mail address or an agent's own id (`user.id:…`) is one too."
        )


class NotErased(AgentAnalyticsError):
    """The search after an erasure still found something; `places` says where."""

    def __init__(self, places: list[str]) -> None:
        self.places = sorted(set(places))
        super().__init__(
            f"Not everything could be erased; it is still in {', '.join(self.places[:10])}. What "
            "can be deleted by hand, delete; then give the command again."
        )


class FolderInUse(AgentAnalyticsError):
    """The folder for an export holds something already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder} is not empty. Name a new folder with --to.")


class TransformFailed(AgentAnalyticsError):
    """dbt ended with errors."""

    def __init__(self, problem: str, log: Path) -> None:
        self.log = log
        super().__init__(f"dbt failed: {problem}. The whole log is {log}.")


class Unauthenticated(AgentAnalyticsError):
    """A request without a key, or with one that is not taken; the sentence never quotes it."""


class NotAllowed(AgentAnalyticsError):
    """Who asks is known and may not do this."""


class BadKey(AgentAnalyticsError):
    """A key cannot be made as it was asked for."""


class NoSuchKey(AgentAnalyticsError):
    """There is no such key, or none that still holds."""


class KeysUnusable(AgentAnalyticsError):
    """The file of keys cannot be read or written, so nobody is let in."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be used: {problem}. Until that is mended nobody is let in; restore it "
            "from a backup (`agent-analytics backup list`)."
        )


class AccessNotLogged(AgentAnalyticsError):
    """The access log cannot be written or read; nothing is shown without it."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"The access log {path} cannot be used: {problem}. Nobody is shown the data of others "
            "until it can be; make room or mend the folder's permissions."
        )


class MartsUnreadable(AgentAnalyticsError):
    """The published file exists and cannot be used."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"The published marts in {path} cannot be read: {problem}. "
            "Publish them again with `agent-analytics transform`."
        )


class RunGone(AgentAnalyticsError):
    """The published run that the pages before came from is no longer kept."""

    def __init__(self) -> None:
        super().__init__(
            "The published run that this cursor goes on in is gone: the last three stay. Ask again "
            "without a cursor."
        )


class AskedWrongly(AgentAnalyticsError):
    """A question cannot be asked like that; the sentence says what it takes."""


class TookTooLong(AgentAnalyticsError):
    """A question needed more time or memory than one request may have."""

    def __init__(self, limit: str) -> None:
        super().__init__(
            f"The question needs more than {limit}. Ask for less: give since and until, or a "
            "filter."
        )


class TooManyAsk(AgentAnalyticsError):
    """Questions come faster than they can be answered."""

    def __init__(self) -> None:
        super().__init__("Too many questions wait for their answer. Come again in a while.")
