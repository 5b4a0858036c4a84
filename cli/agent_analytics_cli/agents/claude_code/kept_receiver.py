"""Where Claude Code's own settings send telemetry before ours take their place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import unquote

from agent_analytics_cli.agents.claude_code.otel_variables import (
    ENDPOINT,
    HEADERS,
    OF_ONE_SIGNAL,
    PROTOCOL,
    ROUTING,
    same,
)
from agent_analytics_cli.agents.claude_code.settings_files import ENV, Source
from agent_analytics_cli.agents.telemetry import KeptReceiver, http_base_of
from agent_analytics_cli.json_text import put_value, value_text
from agent_analytics_cli.receipt import Replaced
from agent_analytics_collector.forward.destination import is_header

_LEADING = (ENDPOINT, PROTOCOL, HEADERS)


def kept_receiver(user: Source) -> KeptReceiver | None:
    """Where the user's own settings lead to; None where that cannot be sent on to.

    That is a receiver of one signal alone, one that a program signs for, one that speaks gRPC on a
    port beside which OTLP/HTTP is not known, or one whose headers are more than a line of ASCII.
    """
    found = user.variables
    if user.has_headers_helper or any(OF_ONE_SIGNAL.fullmatch(name) for name in found):
        return None
    over_http = found.get(PROTOCOL, "grpc").startswith("http")
    endpoint = http_base_of(found.get(ENDPOINT, ""), over_http=over_http)
    headers = _headers(found.get(HEADERS, ""))
    if endpoint is None or not all(is_header(*one) for one in headers.items()):
        return None
    return KeptReceiver("claude_code", endpoint, headers, ("logs", "metrics"))


def replace_values(
    text: str, found: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[str, tuple[Replaced, ...]] | None:
    """The text with our values in the place of the user's that lead elsewhere, and which.

    None where more than an address, its protocol and its headers stands in the way.
    """
    clashing = [name for name in ROUTING if name in found
                and not same(name, found[name], wanted.get(name))]  # fmt: skip
    if not set(clashing) <= set(_LEADING):
        return None
    replaced = []
    for name in clashing:
        before, after = value_text(text, ENV, name), json.dumps(wanted[name], ensure_ascii=False)
        if before is None:
            return None
        text = put_value(text, ENV, name, before, after)
        replaced.append(Replaced(name, before, after))
    return text, tuple(replaced)


def _headers(value: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in value.split(",") if "=" in part)
    return {name.strip().lower(): unquote(content.strip()) for name, _, content in pairs}
