"""Sends recorded requests to a running collector, as a patient exporter would."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent_analytics_cli.outbound.otlp_client import Answer, OtlpClient
from agent_analytics_cli.outbound.recordings import Recording, find_recordings
from agent_analytics_collector.state import ServiceState

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_LEAST_ATTEMPT_S = 1.0
"""What a request gets even when patience has run out."""


class NotAccepted(msgspec.Struct, frozen=True):
    """A request that the collector did not take whole, and why."""

    file: str
    reason: str


class Replayed(msgspec.Struct, frozen=True):
    """What became of the requests: `requests` is `accepted` + `rejected`."""

    requests: int
    accepted: int
    """Taken whole."""
    rejected: int
    """Refused, taken in part (OTLP's partial success) or never answered; `failed` has each."""
    failed: list[NotAccepted]


def replay(
    folder: Path,
    service: ServiceState,
    timeout_s: float = 30.0,
    sent: Callable[[int, int], None] | None = None,
    key: str | None = None,
) -> Replayed:
    """Send all requests of `folder`, one after the other, each over its own transport.

    What the collector asks to send again later is sent again until `timeout_s` went by without
    any request being settled; `sent` gets (settled, all) after each. `key` is what a team's
    collector wants. Raises NoRecordings, BrokenRecording, TlsUnusable, OSError.
    """
    recordings = find_recordings(folder)
    failed: list[NotAccepted] = []
    # Patience is one for all: a collector that died costs it once, not once per request.
    give_up_at = time.monotonic() + timeout_s
    with OtlpClient.of(service, key) as client:
        for count, recording in enumerate(recordings, start=1):
            answer = _send(client, recording, give_up_at)
            if answer.problem is not None:
                failed.append(NotAccepted(recording.name, answer.problem))
            if not answer.is_retryable:
                give_up_at = time.monotonic() + timeout_s
            if sent is not None:
                sent(count, len(recordings))
    accepted = len(recordings) - len(failed)
    return Replayed(len(recordings), accepted, len(failed), failed)


def _send(client: OtlpClient, recording: Recording, give_up_at: float) -> Answer:
    """The answer that settles the request, or the last one when patience ran out."""
    pause_s = _FIRST_PAUSE_S
    while True:
        left_s = give_up_at - time.monotonic()
        answer = client.send(recording, max(left_s, _LEAST_ATTEMPT_S))
        if not answer.is_retryable:
            return answer
        wait_s = answer.retry_after_s
        if wait_s is None:  # jitter, so that several replays do not come in step
            wait_s = pause_s * random.uniform(0.5, 1.0)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        if time.monotonic() + wait_s >= give_up_at:
            return answer
        time.sleep(wait_s)
