"""Figures of a measurement, and how they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from statistics import median
from typing import Any


class Size(StrEnum):
    """How much is measured."""

    FULL = "full"
    QUICK = "quick"
    """A minute or so each; for work on the code."""
    TINY = "tiny"
    """Only that it runs; the figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What we want; missing it fails nothing."""

    limit: float
    of: str = "ratio"
    """`ratio` or `subject`: which of the two is meant."""
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a value a round of the subject, and of the baseline beside it.

    `baseline` is empty for a figure that is nothing but itself.
    """

    what: str
    unit: str
    subject: Sequence[float]
    baseline: Sequence[float] = ()
    aim: Aim | None = None

    @property
    def ratios(self) -> list[float]:
        """Subject to baseline, round by round."""
        return [s / b for s, b in zip(self.subject, self.baseline, strict=False) if b]

    @property
    def met(self) -> bool | None:
        """Whether the median meets the aim; None without one."""
        if self.aim is None:
            return None
        return self.aim.met(median(self.ratios if self.aim.of == "ratio" else self.subject))

    def as_json(self) -> dict[str, Any]:
        """All rounds, and the medians that the table shows."""
        ratios = self.ratios
        return {
            "what": self.what,
            "unit": self.unit,
            "baseline": list(self.baseline),
            "subject": list(self.subject),
            "baseline_median": median(self.baseline) if self.baseline else None,
            "subject_median": median(self.subject),
            "ratio_median": median(ratios) if ratios else None,
            "ratio_min": min(ratios, default=None),
            "ratio_max": max(ratios, default=None),
            "aim": _aim(self),
            "met": self.met,
        }

    def cells(self) -> list[str]:
        """What the table shows."""
        ratios = self.ratios
        ratio = ""
        if ratios:
            ratio = _number(median(ratios))
            if len(ratios) > 1:
                ratio += f" ({_number(min(ratios))}-{_number(max(ratios))})"
        met = {None: "", True: "yes", False: "no"}[self.met]
        baseline = f"{_number(median(self.baseline))} {self.unit}" if self.baseline else ""
        subject = f"{_number(median(self.subject))} {self.unit}"
        return [self.what, baseline, subject, ratio, _aim(self), met]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures of one measurement."""

    title: str
    baseline: str
    """What the subject is compared with, in words."""
    figures: list[Figure]
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "baseline": self.baseline,
            "figures": [figure.as_json() for figure in self.figures],
            "notes": self.notes,
        }

    def as_text(self) -> str:
        """A plain table; ratios are medians of the rounds with their smallest and largest."""
        header = ["", "baseline", "subject", "ratio (min-max)", "aim", "met"]
        rows = [header, *(figure.cells() for figure in self.figures)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"{self.title}\nbaseline: {self.baseline}"]
        for row in rows:
            padded = [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
            lines.append(("  " + "  ".join(padded)).rstrip())
        return "\n".join(lines + [f"  {note}" for note in self.notes])


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that `percent` % of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]


def _aim(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    unit = f" {figure.unit}" if figure.aim.of == "subject" else ""
    return f"{'≥' if figure.aim.at_least else '≤'} {_number(figure.aim.limit)}{unit}"


def _number(value: float) -> str:
    """Three digits that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
