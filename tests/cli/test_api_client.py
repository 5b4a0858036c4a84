"""The API's address: who is asked through a proxy, and who is not."""

from __future__ import annotations

import pytest

from agent_analytics_collector.addresses import is_loopback


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("http://localhost:8321", True),
        ("https://127.0.0.2/api", True),
        ("http://[::1]:8321", True),
        ("http://localhost.evil", False),
        ("http://127.evil.example", False),
        ("http://localhost@evil.example", False),
        ("http://10.0.0.1", False),
        ("http://[::1", False),
        ("nothing", False),
    ],
)
def test_loopback_is_told_by_the_host_alone(url: str, is_ours: bool) -> None:
    assert is_loopback(url) is is_ours
