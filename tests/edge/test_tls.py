"""TLS on all three ports: real handshakes with a real authority."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import grpc
import httpx
import pytest
import trustme

from agent_analytics_cli.outbound.api_client import ApiClient
from agent_analytics_cli.outbound.replay import replay
from agent_analytics_collector.edge.tls import ServedTls, TlsFiles
from agent_analytics_collector.edge.trust import trust
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.errors import TlsUnusable
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import TlsSettings
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.state import read_service
from tests.service.conftest import Start
from tests.service.test_otlp_grpc import export
from tests.service.test_otlp_http import PROTOBUF, logs

from .certificates import SERVED, Authority


def files(home: Home) -> TlsFiles:
    found = TlsFiles.of(home, TlsSettings(certificate="server.pem", key="server.key"))
    assert found is not None
    return found


def test_all_three_ports_are_served_with_the_certificate(
    start: Start, home: Home, authority: Authority, fixtures: Path
) -> None:
    authority.write(home.root)
    state = start(**SERVED).state
    assert state.tls
    assert read_service(home) == state
    verify = ssl.create_default_context(cafile=str(authority.file))
    assert httpx.get(f"{state.api_url}/healthz", verify=verify).status_code == 200
    sent = httpx.post(f"{state.http_url}/v1/logs", content=logs(), headers=PROTOBUF, verify=verify)
    assert sent.status_code == 200
    credentials = grpc.ssl_channel_credentials(authority.file.read_bytes())
    with grpc.secure_channel(state.grpc, credentials) as channel:
        assert export(channel, Signal.LOGS, logs()) == b""
    # Our own commands dial 127.0.0.1 and trust the home's certificate, whoever signed it.
    with ApiClient.connect(home, load_settings(home).settings) as api:
        assert api.get("/healthz")["accepted_records"]["logs"] == 2
    assert replay(fixtures / "claude" / "a-simple", state, 30).failed == []


def test_nothing_is_answered_in_the_clear_or_below_tls_1_2(
    start: Start, home: Home, authority: Authority
) -> None:
    authority.write(home.root)
    state = start(**SERVED).state
    for url in (state.api_url, state.http_url):
        with pytest.raises(httpx.HTTPError):
            httpx.get(url.replace("https", "http") + "/healthz")
    for port in (state.api_port, state.http_port, state.grpc_port):
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            pytest.raises(OSError, match=r"(?i)protocol|version|reset|handshake"),
        ):
            old.wrap_socket(plain)


def test_a_renewed_certificate_is_served_without_a_restart(
    start: Start, home: Home, authority: Authority
) -> None:
    authority.write(home.root, "old.test")
    running = start(**SERVED)
    authority.write(home.root, "new.test")
    os.utime(home.root / "server.pem", (1, 1))
    tls = running.service.ports.tls
    assert tls is not None
    tls.look_again()
    assert tls.certificate.names == ("new.test", "127.0.0.1")
    for port in (running.state.api_port, running.state.http_port, running.state.grpc_port):
        context = trust(home.root / "server.pem")  # takes no other
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            context.wrap_socket(plain).close()


def test_half_a_renewal_leaves_the_old_certificate_in_force(
    home: Home, authority: Authority
) -> None:
    authority.write(home.root, "old.test")
    served = ServedTls(files(home))
    key = (home.root / "server.key").read_bytes()
    authority.write(home.root, "new.test")
    (home.root / "server.key").write_bytes(key)
    served.look_again()
    assert served.certificate.names[0] == "old.test"
    authority.write(home.root, "newer.test")
    os.utime(home.root / "server.key", (2, 2))
    served.look_again()
    assert served.certificate.names[0] == "newer.test"


def test_an_expired_certificate_has_facts_too(home: Home, authority: Authority) -> None:
    until = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    authority.write(home.root, until=until)
    assert files(home).facts().expires_at == until


def test_a_self_signed_certificate_is_trusted_by_this_home_and_another_is_not(
    home: Home, tmp_path: Path, start: Start, authority: Authority
) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=server.test", "-addext", "subjectAltName=DNS:server.test",
            "-keyout", home.root / "server.key", "-out", home.root / "server.pem",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    state = start(**SERVED).state
    own = trust(home.root / "server.pem")
    assert httpx.get(f"{state.api_url}/healthz", verify=own).status_code == 200
    authority.write(tmp_path)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{state.api_url}/healthz", verify=trust(tmp_path / "server.pem"))


def test_a_certificate_of_the_same_authority_is_not_taken_for_the_homes_own(
    home: Home, tmp_path: Path, start: Start, authority: Authority
) -> None:
    authority.write(home.root)
    state = start(**SERVED).state
    authority.write(tmp_path, "other.test")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{state.api_url}/healthz", verify=trust(tmp_path / "server.pem"))


@pytest.mark.parametrize("what", ["missing", "no_pair", "encrypted", "rubbish"])
def test_files_that_are_no_pair_keep_the_collector_from_starting(
    what: str, home: Home, authority: Authority, start: Start
) -> None:
    authority.write(home.root)
    key = home.root / "server.key"
    if what == "missing":
        key.unlink()
    elif what == "no_pair":
        key.write_bytes(trustme.CA().issue_cert("x.test").private_key_pem.bytes())
    elif what == "rubbish":
        (home.root / "server.pem").write_text("not a certificate")
    else:
        encrypt = ["openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", str(key)]
        key.write_bytes(subprocess.run(encrypt, check=True, capture_output=True).stdout)
    with pytest.raises(TlsUnusable, match=r"server\.pem.*server\.key"):
        start(**SERVED)
