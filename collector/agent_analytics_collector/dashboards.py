"""The views of `dashboards/`: questions, each a query on the published marts with its chart.

A query runs as it stands and then asks of everything. Its filters are comment lines inside a
WHERE, `-- filter since: usage_date >= cast(:since as date)`; a tool puts a clause of its own in
the place of those that it offers. In the same way `-- people: …` is a column more, for tools that
must know how many people are behind a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NoReturn

import msgspec
import yaml

from agent_analytics_collector.errors import AgentAnalyticsError

FilterKind = Literal["date", "text"]
FILTERS: Mapping[str, FilterKind] = {
    "since": "date",
    "until": "date",
    "agent": "text",
    "model": "text",
    "developer": "text",
    "team": "text",
    "project": "text",
    "repository": "text",
    "tier": "text",
}
"""Filter → what its value is. Both dates are included; a text is compared as it is stored."""

CHOICES: Mapping[str, str] = {
    "agent": "select agent from dim_agents where first_seen_at is not null order by 1",
    "model": "select model from dim_models order by 1",
    "developer": "select developer_id from dim_developers order by 1",
    "team": "select distinct team from dim_developers where team is not null order by 1",
    "project": "select project_id from dim_projects order by 1",
    "repository": (
        "select distinct repository from fct_git_commits where repository is not null order by 1"
    ),
    "tier": "select distinct attribution_tier from fct_git_commits order by 1",
}
"""Text filter → a query whose one column has its possible values."""

Kind = Literal[
    "number", "line", "bar", "stacked_bar", "area", "scatter", "interval", "heatmap", "table"
]
Unit = Literal["usd", "percent", "tokens", "lines", "hours", "seconds", "count"]
_UNITS: Mapping[str, Unit] = {
    "usd": "usd",
    "share": "percent",
    "rate": "percent",
    "ratio": "percent",
    "coverage": "percent",
    "survival": "percent",
    "roi": "percent",
    "tokens": "tokens",
    "lines": "lines",
    "hours": "hours",
    "seconds": "seconds",
}
_FILTER = re.compile(r"^(\s*)-- filter (\w+): (\S.*?)\s*$")
_LIKE_A_FILTER = re.compile(r"^\s*--\s*filter\b", re.IGNORECASE)
_PEOPLE = re.compile(r"^(\s*)-- people: (\S.*?)\s*$")
_LIKE_PEOPLE = re.compile(r"^\s*--\s*people\b", re.IGNORECASE)
PEOPLE = "people"
"""The column that `counting_people` adds."""
_PLACEHOLDER = re.compile(r"(?<![:\w]):(\w+)")
GRID_WIDTH = 24


class BadDashboard(AgentAnalyticsError):
    """A file of a view cannot be used."""

    def __init__(self, path: Path, problem: str, next_step: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}. {next_step}.")


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the rows of a question are drawn; all roles are names of its columns.

    number: the one row's `y`. bar, line, area, scatter: `y` over `x`, apart by `series`.
    stacked_bar: the same, or several `y`, on top of each other. interval: `y` between `low` and
    `high` for each `x` and `series`. heatmap: `y` in the cell of `x` and `series`. table: all
    columns, in their order.
    """

    kind: Kind
    x: str | None = None
    y: tuple[str, ...] = ()
    series: str | None = None
    low: str | None = None
    high: str | None = None
    unit: Unit | None = None
    """Of `y`; a percent is a fraction of 1. None: `y` has no unit or several."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that have a role."""
        named = (self.x, self.series, *self.y, self.low, self.high)
        return tuple(column for column in named if column)


@dataclass(frozen=True, slots=True)
class Question:
    """A query and how to show its answer."""

    id: str
    title: str
    description: str
    sql: str
    """One SELECT in DuckDB's dialect, without a semicolon."""
    chart: Chart
    width: int
    """Of GRID_WIDTH columns."""

    @property
    def filters(self) -> tuple[str, ...]:
        """Those of FILTERS that its SQL knows, in their order."""
        named = {found[2] for line in self.sql.splitlines() if (found := _FILTER.match(line))}
        return tuple(name for name in FILTERS if name in named)

    @property
    def can_count_people(self) -> bool:
        """Whether it can say how many people are behind each row."""
        return any(_PEOPLE.match(line) for line in self.sql.splitlines())


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A view: its questions in the order in which they are shown."""

    id: str
    title: str
    description: str
    questions: tuple[Question, ...]


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    title: str
    description: str
    chart: Chart
    width: int


class _View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    position: int
    title: str
    description: str
    questions: list[_Question]


def load_dashboards(folder: Path) -> tuple[Dashboard, ...]:
    """The views under `folder`, by their position. Raises BadDashboard."""
    loaded = [_load(path) for path in sorted(folder.glob("*/view.yml"))]
    return tuple(view for _, view in sorted(loaded, key=lambda each: each[0]))


def rewrite(question: Question, clause: Callable[[str, str], str | None]) -> str:
    """The question's SQL with each filter line replaced by `clause(filter, condition)`.

    A clause begins with `and`; None leaves the line out. The condition has its value as `:filter`,
    for which `fill` puts in something else. Columns that count people are left out.
    """
    lines = []
    for line in question.sql.splitlines():
        found = _FILTER.match(line)
        if found is None:
            if not _PEOPLE.match(line):
                lines.append(line)
        elif (text := clause(found[2], found[3])) is not None:
            lines.append(found[1] + text)
    return "\n".join(lines)


def counting_people(question: Question) -> Question:
    """The same question, whose last column `people` counts the distinct developers behind a row.

    0 where nothing names any. A question that cannot tell stays as it is.
    """
    lines = (_PEOPLE.sub(r"\1, \2", line) for line in question.sql.splitlines())
    return replace(question, sql="\n".join(lines))


def fill(condition: str, value: str) -> str:
    """The condition of a filter with SQL in the place of its value."""
    return _PLACEHOLDER.sub(lambda _: value, condition)


def bind(question: Question, values: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """SQL with DuckDB's named parameters, and their values.

    Of a text filter a list may be given, for any of them. What is None or an empty list restricts
    nothing, nor does a filter that the question does not know.
    """
    bound: dict[str, object] = {}

    def clause(name: str, condition: str) -> str | None:
        value = values.get(name)
        if value is None or value == [] or value == ():
            return None
        several = isinstance(value, list | tuple)
        bound[name] = list(value) if isinstance(value, tuple) else value
        return "and " + fill(condition, f"any(${name})" if several else f"${name}")

    return rewrite(question, clause), bound


def unit_of(column: str) -> Unit | None:
    """The unit that a column's name tells, as `usd` in `cost_usd`; None is a count or no number."""
    words = reversed(column.split("_"))
    return next((_UNITS[word] for word in words if word in _UNITS), None)


def _load(path: Path) -> tuple[int, Dashboard]:
    try:
        view = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), type=_View)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise BadDashboard(path, str(error), "Mend it as dashboards/README.md says") from error
    ids = [each.id for each in view.questions]
    files = {file.stem for file in path.parent.glob("*.sql")}
    if len(set(ids)) < len(ids):
        _refuse(path, f"a question is there twice: {', '.join(ids)}", "Rename one of them")
    if set(ids) != files:
        odd = ", ".join(sorted(set(ids) ^ files))
        _refuse(
            path, f"{odd} has no question here or no .sql file beside it", "Add what is missing"
        )
    questions = tuple(_question(path, each) for each in view.questions)
    return view.position, Dashboard(path.parent.name, view.title, view.description, questions)


def _question(path: Path, said: _Question) -> Question:
    file = path.with_name(f"{said.id}.sql")
    sql = file.read_text(encoding="utf-8").rstrip()
    if problem := _problem_of_sql(sql):
        _refuse(file, problem, "Write filters as dashboards/README.md says")
    if problem := _problem_of_chart(said.chart):
        _refuse(path, f"the chart of {said.id} {problem}", "Name the columns of its query")
    if not 1 <= said.width <= GRID_WIDTH:
        _refuse(path, f"{said.id} has width {said.width}", f"Choose 1 to {GRID_WIDTH}")
    return Question(said.id, said.title, said.description, sql, said.chart, said.width)


def _problem_of_sql(sql: str) -> str | None:
    if ";" in sql or not re.match(r"(\s*--.*\n)*\s*(select|with)\b", sql, re.IGNORECASE):
        return "it is not one SELECT without a semicolon"
    people = [found[2] for line in sql.splitlines() if (found := _PEOPLE.match(line))]
    if len(people) != sum(1 for line in sql.splitlines() if _LIKE_PEOPLE.match(line)):
        return "a line that counts people is not `-- people: … as people`"
    if people and PEOPLE not in people[-1].split()[-1:]:
        return "its last line that counts people does not name the column people"
    for line in filter(_LIKE_A_FILTER.match, sql.splitlines()):
        found = _FILTER.match(line)
        if found is None or found[2] not in FILTERS:
            return f"`{line.strip()}` is no filter"
        name, condition = found[2], found[3]
        placeholders = _PLACEHOLDER.findall(condition)
        if set(placeholders) != {name}:
            return f"`{line.strip()}` does not ask for :{name} alone"
        if FILTERS[name] == "text" and condition.count(f" = :{name}") != len(placeholders):
            return f"`{line.strip()}` does not compare by = :{name}, so no list can be given"
    return None


def _problem_of_chart(chart: Chart) -> str | None:
    """Which role its kind lacks or has too much."""
    wants = {
        "number": (not chart.x and len(chart.y) == 1, "needs one y and no x"),
        "interval": (
            chart.x and len(chart.y) == 1 and chart.low and chart.high,
            "needs x, one y, low and high",
        ),
        "heatmap": (chart.x and chart.series and len(chart.y) == 1, "needs x, series and one y"),
        "table": (not chart.columns, "names roles, but a table shows all columns"),
    }
    fits, problem = wants.get(chart.kind, (chart.x and chart.y, "needs x and y"))
    return None if fits else problem


def _refuse(path: Path, problem: str, next_step: str) -> NoReturn:
    raise BadDashboard(path, problem, next_step)
