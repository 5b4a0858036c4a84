"""OTLP over HTTP: protobuf and JSON, gzip or none, chunked or not, also at `POST /`."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.access.expiry import expiry_header
from agent_analytics_collector.envelope import OTLP_SIGNALS, Encoding
from agent_analytics_collector.errors import Unauthenticated, Undecodable
from agent_analytics_collector.http_guard import refuse_foreign
from agent_analytics_collector.otlp.messages import sniff_signal
from agent_analytics_collector.otlp.receiver import Receiver, response
from agent_analytics_collector.otlp.status import Forbidden, TooLarge, UnsupportedMedia

_MEDIA_TYPES = {
    "application/x-protobuf": Encoding.PROTOBUF,
    "application/json": Encoding.JSON,
}
_PATHS = {f"/v1/{signal.value}": signal for signal in OTLP_SIGNALS}
_INFLATE_STEP = 1024 * 1024


def build_app(
    receiver: Receiver,
    authenticator: Authenticator,
    max_request_bytes: int,
    allowed_hosts: tuple[str, ...],
) -> Starlette:
    """The ASGI application of the OTLP/HTTP port."""

    async def export(request: Request) -> HttpResponse:
        content_type = request.headers.get("content-type", "")
        encoding = _MEDIA_TYPES.get(content_type.partition(";")[0].strip().lower())
        try:
            if problem := refuse_foreign(request.headers, allowed_hosts):
                raise Forbidden(problem)
            principal = authenticator.principal(request.headers, otlp=True)
            if encoding is None:
                raise UnsupportedMedia(
                    f"Content-Type {content_type!r} is not OTLP; "
                    "send application/x-protobuf or application/json."
                )
            body = await _read_body(request, max_request_bytes)
            signal = _PATHS.get(request.url.path)
            if signal is None:
                signal = await asyncio.to_thread(sniff_signal, encoding, body)
            checked = await receiver.accept(signal, encoding, body, request.headers, principal)
        except ClientDisconnect:
            return HttpResponse(status_code=499)  # nobody is left to read it
        except Exception as error:
            refusal = receiver.refuse(error)
            headers = {}
            if refusal.retry_after_s is not None:
                headers["Retry-After"] = str(refusal.retry_after_s)
            if isinstance(error, Unauthenticated):
                headers["WWW-Authenticate"] = "Bearer"
            status = refusal.status()
            return _answer(status, encoding or Encoding.PROTOBUF, refusal.http_status, headers)
        return _answer(response(signal, checked), encoding, 200, expiry_header(principal))

    routes = [Route(path, export, methods=["POST"]) for path in ("/", *_PATHS)]
    return Starlette(routes=routes)


def _answer(
    message: Message, encoding: Encoding, http_status: int, headers: dict[str, str]
) -> HttpResponse:
    """`message` in the client's own encoding, as OTLP wants it."""
    if encoding is Encoding.JSON:
        return HttpResponse(
            MessageToJson(message, indent=None), http_status, headers, media_type="application/json"
        )
    return HttpResponse(
        message.SerializeToString(), http_status, headers, media_type="application/x-protobuf"
    )


async def _read_body(request: Request, limit: int) -> bytes:
    """The body, decompressed. Raises TooLarge as soon as `limit` is passed, UnsupportedMedia."""
    content_encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if content_encoding not in ("gzip", "identity", ""):
        raise UnsupportedMedia(f"Content-Encoding {content_encoding!r} is not OTLP; send gzip.")
    inflater = _Inflater() if content_encoding == "gzip" else None
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        for part in inflater.inflate(chunk) if inflater else (chunk,):
            size += len(part)
            if size > limit:
                raise TooLarge(limit)
            parts.append(part)
    if inflater:
        inflater.finish()
    return b"".join(parts)


class _Inflater:
    """gzip, one step at a time, so that a bomb is stopped at the limit and not in memory."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)

    def inflate(self, data: bytes) -> Iterator[bytes]:
        """Parts of at most `_INFLATE_STEP` bytes. Raises Undecodable."""
        while data:
            if self._member.eof:  # gzip allows several members in a row
                self._member = zlib.decompressobj(wbits=31)
            try:
                yield self._member.decompress(data, _INFLATE_STEP)
            except zlib.error as error:
                raise Undecodable(f"The body is not valid gzip: {error}.") from error
            data = self._member.unconsumed_tail or self._member.unused_data

    def finish(self) -> None:
        """Raises Undecodable when the stream ended too early."""
        if not self._member.eof:
            raise Undecodable("The gzip body ends too early.")
