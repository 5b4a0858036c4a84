"""From intermediate on another warehouse needs other macros and no other model.

Compiled SQL is DuckDB's, because that is what the macros are told to make; what stands in the model
files themselves must be portable. Both are looked at: the files for words that only DuckDB knows,
the compiled SQL by translating it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot.errors import SqlglotError

from tests.dbt.conftest import Compiled
from tests.dbt.warehouse import DBT_PROJECT

pytestmark = pytest.mark.slow

ONLY_DUCKDB = {
    "QUALIFY": r"\bqualify\b",
    "FILTER": r"\bfilter\s*\(\s*where\b",
    "a cast with ::": r"::",
    "GROUP BY ALL": r"\b(?:group|order)\s+by\s+all\b",
    "UNION BY NAME": r"\bunion\s+(?:all\s+)?by\s+name\b",
    "an interval": r"\binterval\b",
    "JSON arrows": r"->",
    "columns by pattern": r"\bcolumns\s*\(",
    "a lambda": r"\blambda\b",
    "ASOF": r"\basof\b",
    "a list or a struct": (
        r"\b(?:unnest|list|array_agg|struct_\w+|list_\w+|array_\w+|len|flatten)\s*\("
    ),
    "a list in brackets": r"(?:^|[\s(,])\[",
    "a struct in braces": r"\{\s*'",
    "a row compared or ordered": r"\b(?:max_by|min_by|arg_max|arg_min|first|last|any_value)\s*\(",
    "JSON functions": r"\bjson\w*\s*\(",
    "time functions": (
        r"\b(?:epoch\w*|to_timestamp|timezone|strftime|strptime|date_trunc|date_diff|datediff|"
        r"date_part|date_add|make_date|to_(?:seconds|hours|days)|now|today|last_day)\s*\("
    ),
    "the clock": r"\bcurrent_(?:timestamp|date)\b",
    "text functions": (
        r"\b(?:string_agg|listagg|regexp_\w+|string_split|split_part|printf|format)\s*\("
    ),
    "hashes": r"\b(?:hash|md5_number\w*|sha256)\s*\(",
    "errors as NULL": r"\btry_cast\b|\btry\s*\(",
    "quantiles": r"\b(?:quantile\w*|median|percentile_\w+|mode)\s*\(",
    "rows out of nothing": r"\b(?:range|generate_series|read_\w+)\s*\(",
    "huge integers": r"\bu?hugeint\b",
}  # fmt: skip
"""What must be behind a macro, by what it is called in a failure."""

MODELS = sorted(
    path
    for layer in ("intermediate", "marts")
    for path in (DBT_PROJECT / "models" / layer).rglob("*.sql")
)


LITERALS = {"a list in brackets", "a struct in braces"}
"""Not looked for in what macros are given, which are regular expressions too."""


def own_sql(text: str) -> str:
    """The file without comments, texts and Jinja, as many lines as before."""
    left_out = r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|--[^\n]*|'(?:[^']|'')*'"
    return re.sub(left_out, lambda found: "''" + "\n" * found[0].count("\n"), text, flags=re.S)


def given_to_macros(text: str) -> str:
    """The texts in the file's Jinja: SQL that a macro is given is the model's as well."""
    without_comments = re.sub(r"\{#.*?#\}|--[^\n]*", "", text, flags=re.S)
    return "\n".join(
        double or single
        for jinja in re.findall(r"\{[{%].*?[}%]\}", without_comments, re.S)
        for double, single in re.findall(r'"([^"]*)"|\'([^\']*)\'', jinja)
    )


def only_duckdb(text: str) -> list[str]:
    """What a model's text says that no other engine understands."""
    sql, given = own_sql(text), given_to_macros(text)
    return [
        f"line {sql.count(chr(10), 0, found.start()) + 1}: {name}: {found[0].strip()}"
        for name, pattern in ONLY_DUCKDB.items()
        for found in re.finditer(pattern, sql, re.I | re.M)
    ] + [
        f"given to a macro: {name}: {found[0].strip()}"
        for name, pattern in ONLY_DUCKDB.items()
        if name not in LITERALS
        for found in re.finditer(pattern, given, re.I | re.M)
    ]


def test_models_say_nothing_that_only_duckdb_understands() -> None:
    told = {
        str(path.relative_to(DBT_PROJECT)): found
        for path in MODELS
        if (found := only_duckdb(path.read_text()))
    }
    assert told == {}


@pytest.mark.parametrize(
    "sql",
    [
        "select a from b qualify true", "select count(*) filter (where a) from b", "a::bigint",
        "select b\n  from c group by all", "x - interval '1 day'", "payload ->> 'a'",
        "select [1, 2] as a", "select max_by(a, (b, c))", "epoch(a)", "unnest(a)", "median(a)",
        "try_cast(a as int)", "string_agg(a, ',')", "current_timestamp", "a or md5_number(b) = 1",
        "{{ sum_bigint('epoch(a)') }}",
    ],
)  # fmt: skip
def test_the_words_are_found(sql: str) -> None:
    assert only_duckdb(sql)
    assert not only_duckdb(f"-- {sql.splitlines()[0]}\nselect 'x::y' as a, {{{{ usd('b') }}}}")


@pytest.mark.parametrize("engine", ["snowflake", "redshift"])
def test_compiled_models_can_be_translated(engine: str, compiled: Compiled) -> None:
    untranslated = {}
    for name in (path.stem for path in MODELS):
        for sql in compiled.variants(name):
            try:
                sqlglot.transpile(
                    sql, read="duckdb", write=engine, unsupported_level=sqlglot.ErrorLevel.RAISE
                )
            except SqlglotError as error:
                untranslated[name] = str(error).splitlines()[0]
    assert untranslated == {}


def test_every_portable_model_is_looked_at(compiled: Compiled) -> None:
    staging = Path("models") / "staging"
    later = {
        node["name"]
        for node in compiled.models.values()
        if not node["original_file_path"].startswith(str(staging))
    }
    assert later == {path.stem for path in MODELS}
