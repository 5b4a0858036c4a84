"""What `doctor` says of the certificate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent_analytics_cli.doctor.server import check_certificate
from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Status
from agent_analytics_collector.home import Home

from .certificates import Authority


def test_without_a_certificate_there_is_nothing_to_check(home: Home) -> None:
    assert check_certificate(Situation.of(home)).status is Status.OK


@pytest.mark.parametrize(
    ("days", "mode", "status", "said"),
    [
        (90, 0o600, Status.OK, "server.test, 127.0.0.1 is good for 8"),
        (90, 0o644, Status.WARN, "Others can read"),
        (20, 0o600, Status.WARN, "ends in 1"),
        (-1, 0o600, Status.FAIL, "ended on"),
        (None, 0o600, Status.FAIL, "cannot be used"),
    ],
)
def test_its_end_its_key_and_its_files_are_looked_at(
    home: Home, authority: Authority, days: int | None, mode: int, status: Status, said: str
) -> None:
    home.config_file.write_text("tls: {certificate: server.pem, key: server.key}\n")
    authority.write(home.root, until=datetime.now(UTC) + timedelta(days=days or 0))
    (home.root / "server.key").chmod(mode)
    if days is None:
        (home.root / "server.key").unlink()
    verdict = check_certificate(Situation.of(home))
    assert verdict.status is status
    assert said in verdict.detail
    assert (verdict.next_step is None) == (status is Status.OK)
