"""Small drawings of block characters, one line high."""

from __future__ import annotations

from collections.abc import Sequence

_HEIGHTS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_GAP = " "


def sparkline(
    values: Sequence[float | None], *, most: float | None = None, least: float | None = None
) -> str:
    """A block for each value, a blank for None; from nothing, or the least if that is below it.

    `most` and `least` put several lines on one scale. What is not nothing is never drawn as
    nothing: the lowest block is also the least positive value's.
    """
    known = [value for value in values if value is not None]
    if not known:
        return _GAP * len(values)
    bottom = min(0.0, min(known) if least is None else least)
    span = (max(known) if most is None else most) - bottom
    return "".join(_GAP if value is None else _block(value - bottom, span) for value in values)


def bar(value: float | None, most: float, width: int) -> str:
    """A bar as long as the value's part of the most, in eighths of a character; "" for None.

    A negative value has no bar.
    """
    if value is None or value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(min(value / most, 1.0) * width * 8))
    whole, part = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[part] if part else "")


def _block(height: float, span: float) -> str:
    if span <= 0:
        return _HEIGHTS[0]
    return _HEIGHTS[min(len(_HEIGHTS) - 1, int(min(height / span, 1.0) * len(_HEIGHTS)))]
