"""The certificate that the ports are served with.

The files are read again when they change, so that a renewed certificate needs no restart.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
import structlog

from agent_analytics_collector.edge.trust import names, trust
from agent_analytics_collector.errors import TlsUnusable
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import TlsSettings

log = structlog.get_logger()

EXPIRES_SOON_DAYS = 30
_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME: an expired certificate has facts, too."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself."""

    names: tuple[str, ...]
    """Host names and addresses that it is for."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate with its chain, and its private key; both PEM."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, home: Home, settings: TlsSettings) -> TlsFiles | None:
        """None where plain text is served."""
        if settings.certificate is None or settings.key is None:
            return None
        return cls(home.root / settings.certificate, home.root / settings.key)

    def server_context(self) -> ssl.SSLContext:
        """TLS 1.2 at least. Raises TlsUnusable."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self.load_into(context)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Serve new connections with what the files hold now. Raises TlsUnusable."""
        try:
            # Without `password` OpenSSL asks for it on the terminal.
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise TlsUnusable(self.certificate, self.key, str(error)) from error

    def facts(self) -> Certificate:
        """Asked by a handshake in memory: Python reads no certificates. Raises TlsUnusable."""
        server_context, client_context = self.server_context(), trust(self.certificate)
        client_context.verify_flags |= _NO_CHECK_TIME
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context.wrap_bio(to_client, to_server)
        server = server_context.wrap_bio(to_server, to_client, server_side=True)
        try:
            while not _has_shaken_hands(client):
                _has_shaken_hands(server)
        except ssl.SSLError as error:
            raise TlsUnusable(self.certificate, self.key, str(error)) from error
        said = client.getpeercert() or {}
        expires_at = ssl.cert_time_to_seconds(str(said["notAfter"]))
        return Certificate(names(said), datetime.fromtimestamp(expires_at, UTC))

    def changed_at_ns(self) -> tuple[int, int]:
        """Changes whenever one of the files does. Raises TlsUnusable."""
        try:
            return self.certificate.stat().st_mtime_ns, self.key.stat().st_mtime_ns
        except OSError as error:
            raise TlsUnusable(self.certificate, self.key, str(error)) from error

    def grpc_certificate(self) -> grpc.ServerCertificateConfiguration:
        """Raises TlsUnusable; what is no pair of certificate and key is refused here, too."""
        self.server_context()
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair])


class ServedTls:
    """The files as they are being served over HTTP and gRPC."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises TlsUnusable."""
        self.files = files
        self.context = files.server_context()
        self.certificate = files.facts()
        self._seen = files.changed_at_ns()
        self._grpc_certificate = files.grpc_certificate()
        self._is_new_to_grpc = False

    def grpc_credentials(self) -> grpc.ServerCredentials:
        return grpc.dynamic_ssl_server_credentials(
            self._grpc_certificate,
            self._fetch,  # type: ignore[arg-type]  # the stubs do not know that None keeps it
        )

    def look_again(self) -> None:
        """Take changed files up; while they are no pair, the old ones are served on."""
        try:
            seen = self.files.changed_at_ns()
            if seen == self._seen:
                return
            self._seen = seen
            self.certificate = self.files.facts()
            self._grpc_certificate = self.files.grpc_certificate()
            self.files.load_into(self.context)
        except TlsUnusable as error:
            log.error("certificate_not_renewed", problem=str(error))
            return
        self._is_new_to_grpc = True
        log.info("certificate_renewed", expires_at=self.certificate.expires_at.isoformat())

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked by gRPC before each handshake, in a thread of its own."""
        if not self._is_new_to_grpc:
            return None
        self._is_new_to_grpc = False
        return self._grpc_certificate


def _no_password() -> str:
    raise ValueError("the key is encrypted; a service cannot type its password")


def _has_shaken_hands(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
