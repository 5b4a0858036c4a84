"""Settings of a collector that serves a team, or that feeds one."""

from __future__ import annotations

import msgspec


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    certificate: str | None = None
    """PEM file of the certificate and its chain, relative to the home; None serves plain text."""
    key: str | None = None
    """PEM file of its private key, relative to the home."""
    behind_proxy: bool = False
    """A proxy in front ends TLS, so that other addresses than loopback may be served without."""


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    requests_per_minute: int = 100
    """Of one key on the REST API; OTLP has budgets instead, because an agent sends often."""
    otlp_bytes_per_minute: int = 256 * 1024 * 1024
    """Of one key, decompressed; more is asked to come again later, never dropped."""
    otlp_records_per_minute: int = 600_000
    connections: int = 4_096
    """Open at once on each port."""
    request_timeout_s: int = 30
    """How long a client may take to send the headers, and then each further part of the body."""


class PrivacySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text_developers: tuple[str, ...] | None = None
    """Developers who opted in to having their text kept, where `telemetry.include_prompts` allows
    it at all; None asks no developer (a home of one user)."""
    hash_commit_messages: bool = False
    """Store a keyed hash in the place of a commit's message."""
    hash_emails_after_days: int | None = None
    """Days after which e-mail addresses become keyed hashes; None is 30 where keys exist, never
    for a single user. 0 is never."""
    smallest_group: int = 5
    """People behind a figure below which a lead does not see it."""


class RetentionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    raw_days: int | None = None
    """Days that raw telemetry is kept; None is 90 where keys exist, for ever for a single user. 0
    is for ever."""
    aggregate_days: int | None = None
    """Days that facts and figures are kept; None is 730 where keys exist, for ever for a single
    user. 0 is for ever."""


class BackupSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool = True
    """Whether a running collector makes a backup each day."""
    keep: int = 30
    folder: str = "data/backups"
    """Relative to the home."""


class Forward(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where accepted requests are sent on to."""

    endpoint: str
    """Base URL: of OTLP/HTTP, or of the REST API where `api` is set too."""
    api: str | None = None
    """Base URL of the REST API of a team's agent-analytics, for commits and session records; None
    sends OTLP alone."""
    headers_file: str | None = None
    """File of `name: value` lines (0600), relative to the home: keys are not for config.yaml."""
    signals: tuple[str, ...] = ("logs", "metrics", "traces")
    """Of OTLP."""
    agents: tuple[str, ...] | None = None
    """Only what these agents sent, as the header says that `init` has them send; None is all."""
    ca_file: str | None = None
    """PEM file of who vouches for the receiver's certificate, relative to the home; None is whom
    the system trusts."""
