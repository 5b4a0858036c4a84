"""Where Codex's own settings send telemetry before ours take their place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from agent_analytics_cli.agents.telemetry import KeptReceiver, http_base_of
from agent_analytics_cli.receipt import Replaced
from agent_analytics_collector.forward.destination import is_header

_SIGNALS = {"exporter": "logs", "metrics_exporter": "metrics"}
"""A user's trace exporter stays as it is, so its spans still go where they went."""
_PATH = re.compile(r"/v1/(?:logs|metrics)/?$")


def kept_receiver(there: Mapping[str, Any]) -> KeptReceiver | None:
    """Where `[otel]` leads to; None where that cannot be sent on to, or is not one place."""
    found: list[tuple[str, str | None, dict[str, str]]] = []
    for name, signal in _SIGNALS.items():
        exporter = there.get(name)
        for kind, settings in exporter.items() if isinstance(exporter, dict) else ():
            if not isinstance(settings, dict) or "tls" in settings:
                return None
            address, over_http = str(settings.get("endpoint")), kind == "otlp-http"
            if over_http and not _PATH.search(address):
                return None
            base = http_base_of(_PATH.sub("", address), over_http=over_http)
            headers = {str(key).lower(): str(value)
                       for key, value in settings.get("headers", {}).items()}  # fmt: skip
            found.append((signal, base, headers))
    places = [(base, headers) for _, base, headers in found]
    if not places or places[0][0] is None or any(place != places[0] for place in places):
        return None
    if not all(is_header(*one) for one in places[0][1].items()):
        return None
    return KeptReceiver(
        "codex", places[0][0], places[0][1], tuple(signal for signal, _, _ in found)
    )


def replace_lines(
    text: str, there: Mapping[str, Any], lines: Mapping[str, str]
) -> tuple[str, tuple[Replaced, ...]] | None:
    """The text with our lines for exporters in the place of the user's, and which.

    None where one of theirs is not one line.
    """
    replaced = []
    for name in _SIGNALS:
        if not isinstance(there.get(name), dict):
            continue
        pattern = re.compile(rf"^(?P<indent>[ \t]*){name}[ \t]*=[^\r\n]*", re.MULTILINE)
        matches = [match for match in pattern.finditer(text) if _says(match[0], name, there[name])]
        if len(matches) != 1:
            return None
        (match,) = matches
        after = match["indent"] + lines[name]
        text = text[: match.start()] + after + text[match.end() :]
        replaced.append(Replaced(name, match[0], after))
    return text, tuple(replaced)


def _says(line: str, name: str, value: object) -> bool:
    try:
        return tomllib.loads(line) == {name: value}
    except tomllib.TOMLDecodeError:
        return False
