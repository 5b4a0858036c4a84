"""What a client on this machine trusts when its own collector serves TLS."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from agent_analytics_collector.errors import TlsUnusable

_END = "-----END CERTIFICATE-----"
_TIMEOUT_S = 5.0


def trust(certificate: Path) -> ssl.SSLContext:
    """A client's context that takes this certificate and no other, whatever address it dials.

    The commands of this home dial 127.0.0.1, which the certificate need not name. Raises
    TlsUnusable.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=own_certificate(certificate))
    return context


def own_certificate(file: Path) -> str:
    """The first certificate of a chain, PEM; to trust what follows is to trust all they sign.

    Raises TlsUnusable.
    """
    try:
        first, end, _ = file.read_text(encoding="ascii").partition(_END)
        pem = first[max(first.find("-----BEGIN"), 0) :] + end
        ssl.PEM_cert_to_DER_cert(pem)
    except (OSError, ValueError) as error:
        raise TlsUnusable(file, None, str(error)) from error
    return pem


def served_name(host: str, port: int, certificate: Path) -> str | None:
    """A name that the certificate served there is for; None when it has none.

    For gRPC, whose client checks a name in any case. Raises TlsUnusable, and OSError where nobody
    answers or another certificate is served.
    """
    context = trust(certificate)
    with (
        socket.create_connection((host, port), _TIMEOUT_S) as plain,
        context.wrap_socket(plain) as encrypted,
    ):
        return next(iter(names(encrypted.getpeercert())), None)


def names(peer: ssl._PeerCertRetDictType | None) -> tuple[str, ...]:
    """Host names and addresses that a certificate is for, as `getpeercert` tells of it."""
    return tuple(str(pair[1]) for pair in (peer or {}).get("subjectAltName", ()))
