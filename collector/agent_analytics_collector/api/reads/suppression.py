"""Which rows of a table a lead does not see, because too few people are behind them.

Few is under `privacy.smallest_group`. That alone hides nothing: somebody who knows a sum, from
another question, takes the shown rows from it. So further rows are hidden, until the shown ones
tell no more of rows with too few people than sums alone do. Sums are taken to be known by every
combination of the table's keys, and by week where there are days; but not by day over all else,
which no question that a lead may ask tells.

Two tables must hide in the same place: where one hides Codex beside a rare agent and the other
Claude Code, both together tell of the rare one. So what is hidden first is ranked alike for all.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from itertools import combinations

_PRIME = 2**61 - 1
"""Ranks are taken modulo it: exact like fractions here, and much faster."""

Keys = Sequence[tuple[Hashable, ...]]
"""Of each row, what tells it from the others: day, agent, model."""


def hidden_rows(
    keys: Keys,
    people: Sequence[int | None],
    smallest_group: int,
    rank: Sequence[tuple[int | str, ...]] = (),
) -> frozenset[int]:
    """The places of the rows that must not be shown. People that are None are too few.

    Of rows with enough people those of the lowest rank are hidden first, then those of the fewest.
    """
    few = frozenset(
        place for place, count in enumerate(people) if count is None or count < smallest_group
    )
    if not few:
        return few
    order = sorted(
        set(range(len(keys))) - few,
        key=lambda place: (rank[place] if rank else (), people[place] or 0, place),
    )
    return few | {*order[: _first_that_tell_nothing(order, few, _sums(keys, few, order))]}


def _sums(keys: Keys, few: frozenset[int], order: Sequence[int]) -> list[frozenset[int]]:
    """The sets of rows whose sums may be known.

    A sum of nothing but rows with too few people is a row of another table, which hides it and the
    one of the lowest rank beside it.
    """
    known = [_with_weeks(values) for values in keys]
    width, own = len(known[0]), len(keys[0])
    days = {place for place in range(own) if any(isinstance(it[place], date) for it in keys)}
    times = days | set(range(own, width))
    rank = {place: number for number, place in enumerate(order)}
    found: set[frozenset[int]] = set()
    for size in range(width):
        for chosen in combinations(range(width), size):
            if set(chosen) <= times and not days.isdisjoint(chosen):
                continue
            groups: dict[tuple[Hashable, ...], set[int]] = {}
            for place, values in enumerate(known):
                groups.setdefault(tuple(values[each] for each in chosen), set()).add(place)
            if len(groups) == len(keys):  # the rows themselves
                continue
            told = [frozenset(places) for places in groups.values() if not places <= few]
            if len(told) < len(groups) and told:
                told.remove(min(told, key=lambda it: min(rank[each] for each in it - few)))
            found.update(told)
    return sorted(found, key=len)  # the short ones first: fewer steps


def _with_weeks(values: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    weeks = [value.isocalendar()[:2] for value in values if isinstance(value, date)]
    return (*values, *weeks)


def _first_that_tell_nothing(
    order: Sequence[int], few: frozenset[int], sums: Sequence[frozenset[int]]
) -> int:
    """How many rows, from the first of the order on, to hide so that the others tell nothing.

    Each sum is an equation. Their echelon form has the rows in their order, and then those with too
    few people: with so many rows hidden, the combinations that can be known are the ones that begin
    later. Those that begin behind all of `order`, with no shown row in them, are known anyway; a
    combination tells something when its part behind `order` is none of these.
    """
    columns = {place: number for number, place in enumerate((*order, *few))}
    echelon: dict[int, Row] = {}
    for places in sums:
        left = _reduced(echelon, {columns[place]: 1 for place in places})
        if left:
            first = min(left)
            inverse = pow(left[first], -1, _PRIME)
            echelon[first] = {place: value * inverse % _PRIME for place, value in left.items()}
    for first in sorted(echelon, reverse=True):
        if first < len(order):
            part = {place: value for place, value in echelon[first].items() if place >= len(order)}
            if _reduced(echelon, part):
                return first + 1
    return 0


Row = dict[int, int]
"""Column → coefficient, without zeros."""


def _reduced(echelon: Mapping[int, Row], row: Row) -> Row:
    """The row less the echelon's, as far as its first column is one of theirs."""
    left = dict(row)
    while left and (first := min(left)) in echelon:
        times = left[first]
        for column, value in echelon[first].items():
            rest = (left.get(column, 0) - times * value) % _PRIME
            if rest:
                left[column] = rest
            else:
                left.pop(column, None)
    return left
