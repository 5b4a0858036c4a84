"""Folders of recorded OTLP requests: a `requests.json` beside the bodies that it names."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.errors import AgentAnalyticsError

INDEX = "requests.json"


class NoRecordings(AgentAnalyticsError):
    """There is no requests.json in the folder or below it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"There is no {INDEX} in {folder} or below it. "
            "Name a folder of recorded requests, or a tree of such folders."
        )


class BrokenRecording(AgentAnalyticsError):
    """A requests.json cannot be read, or names what is not there."""

    def __init__(self, index: Path, problem: str) -> None:
        self.index = index
        super().__init__(f"{index}: {problem}. Nothing was sent.")


class Transport(StrEnum):
    """How a request travels."""

    GRPC = "grpc"
    HTTP_PROTOBUF = "http/protobuf"
    HTTP_JSON = "http/json"


class RecordedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a requests.json."""

    file: str
    """Name of the body's file, in the same folder; the body is decompressed."""
    signal: Signal
    transport: Transport
    path: str | None = None
    """HTTP only; None is the signal's own, as `/v1/logs`."""
    content_type: str | None = None
    headers: dict[str, str] = {}
    """As recorded: HTTP headers or gRPC metadata, names in any case."""


class Recording(msgspec.Struct, frozen=True):
    """A recorded request and where it lies."""

    name: str
    """Path of the body below the folder that was asked for, with `/`."""
    body_file: Path
    request: RecordedRequest

    def custom_headers(self) -> dict[str, str]:
        """The recorded `x-*` headers, names in lower case."""
        headers = {name.lower(): value for name, value in self.request.headers.items()}
        return {name: value for name, value in headers.items() if name.startswith("x-")}

    def was_chunked(self) -> bool:
        """Whether the body came in chunks, without a length."""
        return any(
            name.lower() == "transfer-encoding" and value.lower() == "chunked"
            for name, value in self.request.headers.items()
        )


def find_recordings(folder: Path) -> list[Recording]:
    """The requests of `folder`, or of all scenarios below it by name, in their recorded order.

    Everything is checked before the first is sent. Raises NoRecordings, BrokenRecording.
    """
    indexes = sorted(folder.rglob(INDEX))
    if not indexes:
        raise NoRecordings(folder)
    return [recording for index in indexes for recording in _read_index(index, folder)]


def _read_index(index: Path, folder: Path) -> list[Recording]:
    try:
        requests = msgspec.json.decode(index.read_bytes(), type=list[RecordedRequest])
    except (OSError, msgspec.DecodeError) as error:
        raise BrokenRecording(index, str(error)) from error
    return [_locate(request, index, folder) for request in requests]


def _locate(request: RecordedRequest, index: Path, folder: Path) -> Recording:
    body_file = index.parent / request.file
    # A recording may be somebody else's: it must not reach for other files or other hosts.
    if Path(request.file).name != request.file:
        raise BrokenRecording(index, f"{request.file!r} is no name of a file in this folder")
    if request.path is not None and not request.path.startswith("/"):
        raise BrokenRecording(index, f"the path {request.path!r} does not begin with /")
    if not body_file.is_file():
        raise BrokenRecording(index, f"{request.file} is missing")
    return Recording(body_file.relative_to(folder).as_posix(), body_file, request)
