"""Keyed hashes of lines: what counts as the same line, and where the key comes from."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent_analytics_collector.errors import HomeUnusable
from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import LineHasher, line_key, normalised


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("  print( 'Hello' )\n", "print( 'hello' )"),
        ("a\t\t=  `b`", "a = 'b'"),
        ("say(“x”)", "say('x')"),
        ("x" * 1000, "x" * 1000),
        ("Straße\r\n", "straße"),
    ],
)
def test_lines_are_compared_as_the_vendors_do(line: str, same: str) -> None:
    assert normalised(line) == same


@pytest.mark.parametrize("line", ["", "   ", "});", "}", "{ } [ ]", "------", "abc", "y" * 1001])
def test_lines_that_say_nothing_do_not_count(line: str) -> None:
    assert normalised(line) is None
    assert LineHasher(b"k" * 32).of(line) is None


def test_another_key_makes_other_hashes_and_the_same_key_the_same() -> None:
    one, other = LineHasher(b"1" * 32), LineHasher(b"2" * 32)
    assert one.of("a line") == LineHasher(b"1" * 32).of("A  line") != other.of("a line")
    assert one.of_all(["a line", "}", "a line"]) == [one.of("a line")] * 2


def test_a_home_makes_one_key_for_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "one")
    home.root.mkdir()
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: line_key(home), range(8)))
    assert len(keys) == 1
    assert stat.S_IMODE(home.line_key.stat().st_mode) == 0o600
    assert [path.name for path in home.root.iterdir()] == ["line.key"]


def test_an_organisations_key_is_read_and_never_made(tmp_path: Path) -> None:
    shared = tmp_path / "shared.key"
    with pytest.raises(HomeUnusable, match=r"shared\.key"):
        line_key(Home(tmp_path), "shared.key")
    shared.write_text("00" * 16)
    with pytest.raises(HomeUnusable, match="64 hex digits"):
        line_key(Home(tmp_path), "shared.key")
    shared.write_text("ab" * 32 + "\n")
    assert line_key(Home(tmp_path), "shared.key") == bytes.fromhex("ab" * 32)
