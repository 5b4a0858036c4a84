"""Tables, JSON and CSV."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import click
import pytest
from click.testing import CliRunner

from agent_analytics_cli.output import (
    Format,
    format_options,
    print_csv,
    print_json,
    print_listing,
)
from agent_analytics_cli.tables import Column, Kind, as_text, print_table

COLUMNS = (
    Column("model", "model"),
    Column("requests", "requests", Kind.COUNT),
    Column("cache", "cache\nread", Kind.COUNT),
    Column("cost", "cost", Kind.USD, lower_bound_if="partial"),
    Column("odd", "odd", Kind.COUNT, only_if_any=True),
)


def row(model: str | None, requests: int | None, cost: str | None, **more: Any) -> dict[str, Any]:
    amount = None if cost is None else Decimal(cost)
    return {
        "model": model, "requests": requests, "cache": 1234567, "cost": amount,
        "partial": False, "odd": 0,
    } | more  # fmt: skip


class Terminal(io.StringIO):
    """The standard output of a terminal."""

    def isatty(self) -> bool:
        return True


Show = Callable[..., str]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    """`show(columns, rows, total, width=40)`: what a terminal of that width is sent."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def show_table(*arguments: Any, width: int) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        with contextlib.redirect_stdout(Terminal()) as screen:
            print_table(*arguments)
        return screen.getvalue()

    return show_table


def test_a_piped_table_lines_up_has_no_colour_and_no_trailing_blanks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    rows = [row("opus", 1200, "1234.5"), row(None, None, None), row("haiku", 3, "0.01234")]
    print_table(COLUMNS, rows, row("total", 1203, "1234.51234", partial=True))
    assert capsys.readouterr().out == (
        "                     cache\n"
        "model  requests       read           cost\n"
        "─────────────────────────────────────────\n"
        "opus      1,200  1,234,567    $1,234.5000\n"
        "—             —  1,234,567              —\n"
        "haiku         3  1,234,567        $0.0123\n"
        "─────────────────────────────────────────\n"
        "total     1,203  1,234,567  ≥ $1,234.5123\n"
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("1.5", "$1.50"),
        ("0.123", "$0.123"),
        ("0.00005", "$0.0001"),
        ("0.000049", "<$0.0001"),
        ("-0.25", "-$0.25"),
        ("999999999.999999999", "$1,000,000,000.00"),
    ],
)
def test_an_amount_has_two_to_four_decimals_and_never_reads_as_nothing(
    amount: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table([Column("cost", "cost", Kind.USD)], [{"cost": Decimal(amount)}])
    assert capsys.readouterr().out.splitlines()[-1].strip() == text


def test_a_column_of_nothing_is_left_out_when_it_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(COLUMNS, [row("opus", 1, "1", odd=None)])
    assert "odd" not in capsys.readouterr().out
    print_table(COLUMNS, [row("opus", 1, "1", odd=2)])
    assert "odd" in capsys.readouterr().out


def test_a_table_without_rows_is_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([Column("setting", "setting"), Column("value", "value")], [])
    assert capsys.readouterr().out == "setting  value\n──────────────\n"


def test_a_narrow_terminal_folds_text_and_keeps_numbers_whole(
    show: Show,
) -> None:
    rows = [row("claude-haiku-4-5-20251001", 1234, "1.25")]
    lines = click.unstyle(show(COLUMNS[:4], rows, width=36)).splitlines()
    assert "".join(f"{line.rstrip()}\n" for line in lines) == (
        "                         cache\n"
        "model           requests  read  cost\n"
        "────────────────────────────────────\n"
        "claude-haiku-4-    1,234 1.23M $1.25\n"
        "5-20251001\n"
    )


def test_a_terminal_too_narrow_for_the_numbers_gets_a_block_for_each_row(
    show: Show,
) -> None:
    rows = [row("claude-haiku", 12345, "1.25")]
    assert click.unstyle(show(COLUMNS[:4], rows, row("total", 1, "1.25"), width=30)) == (
        "claude-haiku\n"
        "  requests    12,345\n"
        "  cache read  1,234,567\n"
        "  cost        $1.25\n"
        "total\n"
        "  requests    1\n"
        "  cache read  1,234,567\n"
        "  cost        $1.25\n"
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (9_999, "9,999"),
        (10_000, "10k"),
        (12_345, "12.3k"),
        (99_960, "100k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (-1_234_567, "-1.23M"),
        (5 * 10**12, "5T"),
    ],
)
def test_counts_are_shortened_before_texts_are_folded(count: int, text: str, show: Show) -> None:
    columns = (Column("model", "model"), Column("n", "n", Kind.COUNT))
    model = "a-model-with-a-long-name"
    exact, narrow = (
        click.unstyle(show(columns, [{"model": model, "n": count}], width=width)).splitlines()
        for width in (80, len(model) + 1 + len(text))
    )
    assert exact[-1].split() == [model, f"{count:,}"]
    assert narrow[-1].split() == [model, text]


def test_a_terminal_gets_colour(show: Show) -> None:
    assert "\x1b[1m" in show(COLUMNS[:1], [row("opus", 1, "1")], width=80)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("[bold]red[/bold]", "[bold]red[/bold]"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("abc\u202edef", "abc\\u202edef"),
        ("Zoë 日本", "Zoë 日本"),
    ],
)
def test_a_name_from_telemetry_cannot_command_the_terminal(
    hostile: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table([Column("name", "name")], [{"name": hostile}])
    assert capsys.readouterr().out.splitlines()[-1] == shown


def test_values_read_as_words() -> None:
    assert [as_text(value) for value in (None, True, ("a", "b"), (), 8321)] == [
        "—", "true", "a, b", "", "8321",
    ]  # fmt: skip


def test_json_keeps_every_digit_and_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(
        {
            "cost": Decimal("123456789.123456789"),
            "plain": Decimal("0.500000000"),
            "zero": Decimal("0E-9"),
            "unknown": None,
            "tokens": 2**70,
            "day": date(2026, 3, 14),
            "rows": [{"name": "Zoë \x1b"}],
        }
    )
    text = capsys.readouterr().out
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == {
        "cost": Decimal("123456789.123456789"),
        "plain": Decimal("0.5"),
        "zero": Decimal(0),
        "unknown": None,
        "tokens": Decimal(2**70),
        "day": "2026-03-14",
        "rows": [{"name": "Zoë \x1b"}],
    }
    assert '"plain": 0.5,' in text
    assert '"zero": 0,' in text


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_defuses_formulas_and_leaves_numbers(
    first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_csv(COLUMNS[:4], [row(f"{first}cmd", -3, "-1.50")])
    heading, cells = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert heading == ["model", "requests", "cache", "cost"]
    assert cells == [f"'{first}cmd", "-3", "1234567", "-1.5"]


def test_csv_leaves_unknown_cells_empty(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(COLUMNS[:4], [row(None, None, None), row('a "b", c', 0, "0")])
    assert capsys.readouterr().out == (
        'model,requests,cache,cost\n,,1234567,\n"a ""b"", c",0,1234567,0\n'
    )


@click.command()
@format_options
def listing(output_format: Format) -> None:
    print_listing([Column("name", "name")], [{"name": "x", "hidden": 1}], output_format)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ([], "name\n────\nx\n"),
        (["--json"], '[\n  {\n    "name": "x"\n  }\n]\n'),
        (["--csv"], "name\nx\n"),
    ],
)
def test_a_listing_is_printed_as_asked(arguments: list[str], printed: str) -> None:
    assert CliRunner().invoke(listing, arguments).stdout == printed


def test_two_formats_at_once_are_wrong_usage() -> None:
    result = CliRunner().invoke(listing, ["--json", "--csv"])
    assert result.exit_code == 2
    assert "--json and --csv exclude each other." in result.stderr
