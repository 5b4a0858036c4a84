"""The loader hashes edits under the key of its home, and waits where it has none."""

from __future__ import annotations

import json
from pathlib import Path

from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import home_hasher
from agent_analytics_collector.settings import GitSettings, Settings
from agent_analytics_collector.state import read_loader
from agent_analytics_collector.warehouse.loader import Loader

from .test_loading import query, recorded, spool

HASHES = (
    "select string_agg(attributes->>'$.\"agent_analytics.added_line_hashes\"', ' ' order by id) "
    "from raw_otel_logs where event_name like '%tool_result'"
)


def load_with(home: Home, settings: Settings) -> Loader:
    loader = Loader(home, settings)
    for _ in range(2):  # the first lease tells where the file stands
        loader.prepare()
        loader.use_file()
    return loader


def test_what_is_loaded_has_hashes_under_the_homes_key(home: Home, fixtures: Path) -> None:
    spool(home, recorded(fixtures, "claude/g-version-resattrs"))
    load_with(home, Settings())
    ((found,),) = query(home, HASHES)
    lines = ["a = 1", "b = 2", "print(a + b)", "    x = 'hello'", "    return x"]
    assert str(found).split() == home_hasher(home).of_all(lines)


def test_loading_waits_for_an_organisations_key_that_is_not_there(
    home: Home, fixtures: Path
) -> None:
    spool(home, recorded(fixtures, "claude/g-version-resattrs"))
    settings = Settings(git=GitSettings(line_key_file="organisation.key"))
    loader = load_with(home, settings)
    assert "organisation.key" in str(read_loader(home).problem)
    assert query(home, "select count(*) from raw_otel_logs") == [(0,)]
    (home.root / "organisation.key").write_text("ab" * 32)
    loader.prepare()
    loader.use_file()
    ((found,),) = query(home, HASHES)
    own = home_hasher(home, "organisation.key").of("print(a + b)")
    assert own is not None
    assert own in str(found)
    assert json.loads(home.loader_state.read_text())["problem"] is None
