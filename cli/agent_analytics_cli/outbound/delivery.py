"""Handing bodies over to the API: which are settled, and which the API will never take."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agent_analytics_cli.outbound.api_client import ApiClient, ApiRefused, ApiUnreachable

Body = dict[str, Any]

# The body is at fault, not who sends it, where to or when.
_BAD_BODY = (400, 413, 422)
BATCH_BYTES = 2 * 1024 * 1024
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


class _Problem(msgspec.Struct):
    index: int
    reason: str = ""


class _Answer(msgspec.Struct):
    accepted: int
    duplicate: int
    rejected: int
    problems: list[_Problem] = []


@dataclass(slots=True)
class Delivered:
    """What became of all bodies of a delivery."""

    accepted: int = 0
    duplicate: int = 0
    refused: list[tuple[Body, str]] = field(default_factory=list)
    """Those that the API will never take, with its reasons."""


def deliver(api: ApiClient, path: str, bodies: Sequence[Body]) -> Delivered:
    """Post all bodies; a body that the API does not take never keeps the others back.

    Raises ApiUnreachable and, for what is no body's fault (a wrong key, another program at that
    address), ApiRefused; some of the bodies may have arrived then, and are duplicates next time.
    """
    try:
        said = api.post(path, list(bodies))
    except ApiRefused as error:
        if error.status not in _BAD_BODY:
            raise
        if len(bodies) == 1:
            return Delivered(refused=[(bodies[0], error.detail)])
        middle = len(bodies) // 2
        first, second = (deliver(api, path, part) for part in (bodies[:middle], bodies[middle:]))
        return Delivered(
            first.accepted + second.accepted,
            first.duplicate + second.duplicate,
            first.refused + second.refused,
        )
    try:
        answer = msgspec.convert(said, _Answer)
        refused = [(bodies[problem.index], problem.reason) for problem in answer.problems]
    except (msgspec.ValidationError, IndexError) as error:
        raise ApiRefused(api.base_url + path, 200, "the answer is not ours") from error
    if answer.accepted + answer.duplicate + answer.rejected != len(bodies):
        raise ApiRefused(api.base_url + path, 200, "the answer is not about what was sent")
    return Delivered(answer.accepted, answer.duplicate, refused)


def deliver_patiently(
    api: ApiClient, path: str, bodies: Sequence[Body], timeout_s: float
) -> Delivered:
    """`deliver`, again and again until it is taken or `timeout_s` went by.

    Raises ApiUnreachable then, and ApiRefused.
    """
    give_up_at = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return deliver(api, path, bodies)
        except ApiUnreachable as error:
            wait_s = error.retry_after_s
            if wait_s is None:
                wait_s = pause_s * random.uniform(0.5, 1.0)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            if time.monotonic() + wait_s >= give_up_at:
                raise
            time.sleep(wait_s)


def in_batches(bodies: Iterable[Body]) -> Iterator[list[Body]]:
    """Bodies in lists of at most BATCH_BYTES of JSON, but for a single one that is larger."""
    batch: list[Body] = []
    size = 0
    for body in bodies:
        length = len(msgspec.json.encode(body))
        if batch and size + length > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch
