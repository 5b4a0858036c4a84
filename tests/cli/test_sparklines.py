"""Small drawings of block characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent_analytics_cli.views.sparklines import bar, sparkline

VALUES = st.lists(st.none() | st.floats(-1e9, 1e9, allow_nan=False), max_size=80)
HEIGHTS = "▁▂▃▄▅▆▇█"


def test_the_highest_value_fills_its_place_and_the_unknown_is_blank() -> None:
    assert sparkline([0, 1, 2, None, 4]) == "▁▃▅ █"


def test_a_line_without_a_value_is_blank() -> None:
    assert sparkline([None, None]) == "  "
    assert sparkline([]) == ""


def test_lines_on_one_scale_can_be_compared() -> None:
    assert sparkline([1, 2], most=8) == "▂▃"


def test_values_below_zero_stand_lower_than_nothing() -> None:
    below, nothing, above = (HEIGHTS.index(block) for block in sparkline([-1, 0, 1]))
    assert below < nothing < above


@given(VALUES)
def test_there_is_one_character_for_each_value_and_more_is_never_lower(
    values: list[float | None],
) -> None:
    drawn = sparkline(values)
    assert len(drawn) == len(values)
    known = sorted((v, HEIGHTS.index(d)) for v, d in zip(values, drawn, strict=True) if d != " ")
    assert len(known) == sum(value is not None for value in values)
    heights = [height for _, height in known]
    assert heights == sorted(heights)


@given(st.floats(0, 1e9), st.floats(1e-6, 1e9), st.integers(1, 40))
def test_a_bar_is_never_longer_than_its_width_and_what_is_something_is_seen(
    value: float, most: float, width: int
) -> None:
    drawn = bar(value, most, width)
    assert len(drawn) <= width
    assert bool(drawn) == (value > 0)
    if value >= most:
        assert drawn == "█" * width


def test_what_is_unknown_or_below_zero_has_no_bar() -> None:
    assert bar(None, 4, 10) == bar(-1, 4, 10) == bar(1, 0, 10) == ""
