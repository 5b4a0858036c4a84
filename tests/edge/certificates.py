"""Certificates of a test's own authority, as the files that a home names."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import trustme


class Authority:
    """Signs certificates for a home."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def write(self, folder: Path, name: str = "server.test", until: datetime | None = None) -> None:
        """`server.pem` with its chain, and `server.key` (0600)."""
        issued = self._ca.issue_cert(name, "127.0.0.1", not_after=until)
        chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
        (folder / "server.pem").write_bytes(chain + self._ca.cert_pem.bytes())
        key = folder / "server.key"
        key.write_bytes(issued.private_key_pem.bytes())
        key.chmod(0o600)


SERVED = {"tls.certificate": "server.pem", "tls.key": "server.key"}
"""Settings that serve what `Authority.write` wrote into the home."""
