"""What may be served to others, and what is said where it may not."""

from __future__ import annotations

import pytest

from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Scope
from agent_analytics_collector.edge.exposure import check_exposure, is_loopback
from agent_analytics_collector.errors import NotSafeToServe
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import TlsSettings
from agent_analytics_collector.settings import Settings, load_settings
from tests.service.conftest import Start

from .certificates import SERVED, Authority


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_is_served_as_it_is(host: str) -> None:
    assert is_loopback(host)
    check_exposure(Settings(host=host), has_keys=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "no-such-name.invalid"])
@pytest.mark.parametrize("has_keys", [False, True])
@pytest.mark.parametrize("tls", [TlsSettings(), TlsSettings(behind_proxy=True)])
def test_other_addresses_want_keys_and_encryption(
    host: str, has_keys: bool, tls: TlsSettings
) -> None:
    assert not is_loopback(host)
    settings = Settings(host=host, tls=tls)
    if has_keys and tls.behind_proxy:
        check_exposure(settings, has_keys=True)
        return
    with pytest.raises(NotSafeToServe) as refused:
        check_exposure(settings, has_keys=has_keys)
    assert ("agent-analytics keys create" in str(refused.value)) == (not has_keys)
    assert ("tls.certificate and tls.key" in str(refused.value)) == (not tls.behind_proxy)


def test_the_collector_does_not_start_before_both_are_there(
    start: Start, home: Home, authority: Authority
) -> None:
    with pytest.raises(NotSafeToServe, match=r"keys create.*behind_proxy"):
        start(host="0.0.0.0")
    assert not home.service_state.exists()
    authority.write(home.root)
    with pytest.raises(NotSafeToServe, match="keys create"):
        start(host="0.0.0.0", **SERVED)
    create_key(home, load_settings(home).settings, developer_id="ada", scopes=[Scope.INGEST])
    with pytest.raises(NotSafeToServe, match="behind_proxy"):
        start(host="0.0.0.0")
    assert start(host="0.0.0.0", **SERVED).state.api_url.startswith("https://127.0.0.1:")
