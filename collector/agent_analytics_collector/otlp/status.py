"""The one table from errors to what an OTLP client is told.

What it decides: a client keeps its data and tries again only on UNAVAILABLE (with RetryInfo)
and 429/502/503/504; on everything else, INTERNAL, UNKNOWN and 500 among them, it throws the data
away. So an error of ours is UNAVAILABLE, and only what no retry can mend is refused for good.
"""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from agent_analytics_collector.errors import (
    KeysUnusable,
    Looped,
    NotAllowed,
    SpoolBroken,
    SpoolFull,
    Unauthenticated,
    Undecodable,
)

RETRY_AFTER_S = 5


class TooLarge(Exception):
    """The request is larger than allowed, counted after decompression."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request is larger than {limit:,} bytes after decompression.")


class UnsupportedMedia(Exception):
    """The content type or encoding is not OTLP's."""


class Forbidden(Exception):
    """The request comes from a web page or names a host that is not this one."""


class OverBudget(Exception):
    """A key has sent all that it may send in a minute."""

    def __init__(self, budget: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(
            f"This key's budget of {budget} a minute is used up; send it again in "
            f"{retry_after_s} s."
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the client is told; `retry_after_s` None means never to try again."""

    grpc_code: grpc.StatusCode
    http_status: int
    message: str
    retry_after_s: int | None = None

    def status(self) -> Status:
        """The `google.rpc.Status` that both transports carry."""
        status = Status(code=self.grpc_code.value[0], message=self.message)
        detail = Any()
        if self.retry_after_s is not None:
            detail.Pack(RetryInfo(retry_delay=Duration(seconds=self.retry_after_s)))
        elif self.grpc_code is grpc.StatusCode.INVALID_ARGUMENT:
            violation = BadRequest.FieldViolation(field="body", description=self.message)
            detail.Pack(BadRequest(field_violations=[violation]))
        if detail.type_url:
            status.details.append(detail)
        return status


_TABLE: tuple[tuple[type[Exception], grpc.StatusCode, int, bool], ...] = (
    (Undecodable, grpc.StatusCode.INVALID_ARGUMENT, 400, False),
    (Looped, grpc.StatusCode.INVALID_ARGUMENT, 400, False),
    (TooLarge, grpc.StatusCode.RESOURCE_EXHAUSTED, 413, False),
    (UnsupportedMedia, grpc.StatusCode.INVALID_ARGUMENT, 415, False),
    (Forbidden, grpc.StatusCode.PERMISSION_DENIED, 403, False),
    (Unauthenticated, grpc.StatusCode.UNAUTHENTICATED, 401, False),
    (NotAllowed, grpc.StatusCode.PERMISSION_DENIED, 403, False),
    (KeysUnusable, grpc.StatusCode.UNAVAILABLE, 503, True),
    (OverBudget, grpc.StatusCode.UNAVAILABLE, 429, True),
    (SpoolFull, grpc.StatusCode.UNAVAILABLE, 503, True),
    (SpoolBroken, grpc.StatusCode.UNAVAILABLE, 503, True),
)


def refusal(error: Exception) -> Refusal:
    """What to answer; an error that the table does not know is ours, and retryable."""
    for kind, code, http_status, retryable in _TABLE:
        if isinstance(error, kind):
            after_s = getattr(error, "retry_after_s", RETRY_AFTER_S) if retryable else None
            return Refusal(code, http_status, str(error), after_s)
    message = "The collector failed on this request; its log says why."
    return Refusal(grpc.StatusCode.UNAVAILABLE, 503, message, RETRY_AFTER_S)


def is_known(error: Exception) -> bool:
    """Whether the error is expected trouble, not a bug."""
    return any(isinstance(error, kind) for kind, *_ in _TABLE)
