"""What settings must be besides of their type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from agent_analytics_collector.errors import BadSetting

if TYPE_CHECKING:
    from agent_analytics_collector.server_settings import Forward
    from agent_analytics_collector.settings import RoiSettings, Settings

MIB = 1024 * 1024
QUEUE_BYTES = 192 * MIB
"""Bytes that may wait in memory for their fsync; more is refused for the client to retry."""
SCHEMA_VERSION = 1
"""Of config.yaml; a file of a newer version is refused."""
_HOURS_OF_A_WEEK = 168


def check_settings(settings: Settings, origins: Mapping[str, str]) -> None:
    """Raises BadSetting."""
    for name in ("grpc_port", "http_port", "api_port"):
        if not 0 <= getattr(settings, name) <= 65535:
            raise BadSetting(name, origins[name], "a port is a number from 0 to 65535")
    if not 0 <= settings.day_rollover_hour <= 23:
        raise BadSetting("day_rollover_hour", origins["day_rollover_hour"], "0 to 23")
    if settings.time_zone:
        try:
            ZoneInfo(settings.time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise BadSetting(
                "time_zone", origins["time_zone"],
                f"{settings.time_zone!r} is no IANA time zone; one is Europe/Berlin",
            ) from error  # fmt: skip
    if settings.schema_version != SCHEMA_VERSION:
        raise BadSetting(
            "schema_version", origins["schema_version"],
            f"this agent-analytics knows version {SCHEMA_VERSION}; upgrade it, or start a new file "
            "with `agent-analytics init`",
        )  # fmt: skip
    for name, url in (
        ("backend_url", settings.backend_url),
        ("telemetry.endpoint", settings.telemetry.endpoint),
    ):
        # The value is not quoted: it may hold a password.
        if url is not None and not url.startswith(("http://", "https://")):
            raise BadSetting(name, origins[name], "must begin with http:// or https://")
        if url is not None and "@" in url.split("/")[2]:
            problem = "must not hold a name or password; put the key into api_key"
            raise BadSetting(name, origins[name], problem)
    try:
        re.compile(settings.git.ticket_pattern)
    except re.error as error:
        name = "git.ticket_pattern"
        raise BadSetting(name, origins[name], f"no regular expression: {error}") from error
    for vendor in ("github", "claude", "cursor"):
        # A secret goes there: it must not travel in the clear.
        if not _is_private(getattr(settings.vendors, vendor).api_url):
            name = f"vendors.{vendor}.api_url"
            raise BadSetting(name, origins[name], "must begin with https:// and hold no password")
    if settings.vendors.github.organisation and settings.vendors.github.enterprise:
        name = "vendors.github.enterprise"
        raise BadSetting(name, origins[name], "organisation is set as well; set one of the two")
    _check_roi(settings.roi, origins)
    for forward in settings.forward:
        _check_forward(forward, origins)
    if (settings.tls.certificate is None) != (settings.tls.key is None):
        missing = "tls.key" if settings.tls.key is None else "tls.certificate"
        raise BadSetting(missing, origins[missing], "a certificate needs its key, and the reverse")
    smallest = (
        ("telemetry.export_interval", settings.telemetry.export_interval, 1),
        ("git.correlation_window", settings.git.correlation_window, 0),
        ("otlp.max_request_bytes", settings.otlp.max_request_bytes, 1024),
        ("spool.max_bytes", settings.spool.max_bytes, MIB),
        ("spool.segment_bytes", settings.spool.segment_bytes, 4096),
        ("transform.interval_s", settings.transform.interval_s, 1),
        ("limits.requests_per_minute", settings.limits.requests_per_minute, 1),
        ("limits.otlp_bytes_per_minute", settings.limits.otlp_bytes_per_minute, MIB),
        ("limits.otlp_records_per_minute", settings.limits.otlp_records_per_minute, 1),
        ("limits.connections", settings.limits.connections, 1),
        ("limits.request_timeout_s", settings.limits.request_timeout_s, 1),
        ("privacy.smallest_group", settings.privacy.smallest_group, 2),
        ("privacy.hash_emails_after_days", settings.privacy.hash_emails_after_days or 0, 0),
        ("retention.raw_days", settings.retention.raw_days or 0, 0),
        ("retention.aggregate_days", settings.retention.aggregate_days or 0, 0),
        ("backup.keep", settings.backup.keep, 1),
    )
    if settings.otlp.max_request_bytes > QUEUE_BYTES:
        name = "otlp.max_request_bytes"
        raise BadSetting(name, origins[name], f"must be at most {QUEUE_BYTES}")
    for name, value, least in smallest:
        if value < least:
            raise BadSetting(name, origins[name], f"must be at least {least}")


def _check_forward(forward: Forward, origins: Mapping[str, str]) -> None:
    for url in (forward.endpoint, forward.api):
        # The value is not quoted: it may hold a password.
        if url is not None and not url.startswith(("http://", "https://")):
            raise BadSetting("forward", origins["forward"], "URLs begin with http:// or https://")
        if url is not None and "@" in url.split("/")[2]:
            problem = "must hold no name or password; put them into the headers_file"
            raise BadSetting("forward", origins["forward"], problem)
    if unknown := set(forward.signals) - {"logs", "metrics", "traces"}:
        problem = f"{min(unknown)!r} is no signal of OTLP: logs, metrics or traces"
        raise BadSetting("forward", origins["forward"], problem)


def _check_roi(roi: RoiSettings, origins: Mapping[str, str]) -> None:
    low, high = roi.hours_saved_low, roi.hours_saved_high
    for name, value, most in (
        ("roi.hourly_rate_usd", roi.hourly_rate_usd, 100_000),
        ("roi.hours_saved_low", low, _HOURS_OF_A_WEEK),
        ("roi.hours_saved_high", high, _HOURS_OF_A_WEEK),
    ):
        if value is not None and not 0 <= value <= most:  # NaN is not either
            raise BadSetting(name, origins[name], f"a number from 0 to {most:,}")
    if (low is None) != (high is None):
        name = "roi.hours_saved_low" if low is None else "roi.hours_saved_high"
        given = "roi.hours_saved_high" if low is None else "roi.hours_saved_low"
        raise BadSetting(name, origins[name], f"{given} is set, so this must be too: a range")
    if low is not None and high is not None and low > high:
        name = "roi.hours_saved_low"
        raise BadSetting(name, origins[name], f"must not be above roi.hours_saved_high ({high:g})")


def _is_private(url: str) -> bool:
    """Whether what is sent there is read by nobody on the way: https, or this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.hostname) and "@" not in parts.netloc and (parts.scheme == "https" or is_here)
