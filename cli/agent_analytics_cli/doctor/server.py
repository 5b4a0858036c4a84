"""Check of the certificate that this home's collector serves."""

from __future__ import annotations

from datetime import UTC, datetime

from agent_analytics_cli.doctor.situation import Situation, sentence_of
from agent_analytics_cli.doctor.verdict import Verdict, fail, how_long, ok, warn
from agent_analytics_collector.errors import TlsUnusable


def check_certificate(situation: Situation) -> Verdict:
    """A collector takes a renewed certificate up by itself, so only the files are looked at."""
    tls = situation.settings.tls
    if tls.certificate is None or tls.key is None:
        where = "a proxy in front ends TLS" if tls.behind_proxy else "served on loopback alone"
        return ok(f"No certificate is set: {where}.")
    # Not at the top: it loads gRPC, which a home without a certificate can do without.
    from agent_analytics_collector.edge.tls import EXPIRES_SOON_DAYS, TlsFiles

    files = TlsFiles.of(situation.home, tls)
    assert files is not None
    try:
        certificate = files.facts()
        mode = files.key.stat().st_mode & 0o777
    except (TlsUnusable, OSError) as error:
        return fail(sentence_of(error), "Correct tls.certificate and tls.key in config.yaml")
    left_s = (certificate.expires_at - datetime.now(UTC)).total_seconds()
    renew = f"Put its successor and the key into {files.certificate} and {files.key}"
    if left_s <= 0:
        return fail(f"The certificate ended on {certificate.expires_at:%Y-%m-%d}.", renew)
    if mode & 0o077:
        return warn(
            f"Others can read the certificate's key (mode {mode:04o}).", f"chmod 600 {files.key}"
        )
    if left_s < EXPIRES_SOON_DAYS * 86_400:
        return warn(f"The certificate ends in {how_long(left_s)}.", renew)
    names = ", ".join(certificate.names)
    return ok(f"The certificate for {names} is good for {how_long(left_s)}.")
