"""The views in Metabase: what is sent, that it is sent once, and whose changes stay."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli import assets
from agent_analytics_cli.main import cli
from agent_analytics_cli.metabase.layout import filters_of
from agent_analytics_cli.metabase.questions import choices_column
from agent_analytics_collector.dashboards import (
    CHOICES,
    GRID_WIDTH,
    bind,
    load_dashboards,
    rewrite,
)
from agent_analytics_collector.home import Home
from tests.cli.metabase_emulator import Metabase, emulated
from tests.dashboards import marts

VIEWS = load_dashboards(assets.dashboards())
QUESTIONS = [question for view in VIEWS for question in view.questions]
FEW = ("cost_tracking", "roi")
CARDS = "/api/card"
USER, PASSWORD = "ada@example.com", "correct horse — battery staple"
GIVEN = {
    "since": ["2026-02-01"], "until": ["2026-04-30"], "agent": ["codex", "cursor"],
    "model": ["opus"], "developer": ["o'hara", "ada"], "team": ["core", "web"],
    "project": ["app"], "repository": ["acme/app"], "tier": ["lines", "note"],
}  # fmt: skip


@pytest.fixture
def whole(home: Home) -> Iterator[Metabase]:
    """A Metabase that has its administrator and can open the database, for all views."""
    _publish(home)
    server = Metabase()
    server.add_user(USER, PASSWORD)
    with emulated(server):
        yield server


@pytest.fixture
def views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the command reads instead, with FEW views to be changed."""
    folder = tmp_path / "dashboards"
    for name in FEW:
        shutil.copytree(assets.dashboards() / name, folder / name)
    monkeypatch.setattr(assets, "dashboards", lambda: folder)
    return folder


@pytest.fixture
def metabase(whole: Metabase, views: Path) -> Metabase:
    """The same for FEW views."""
    return whole


@pytest.fixture(scope="module")
def filled() -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts with made-up rows."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        marts.make(connection, marts.ROWS)
        yield connection


def _publish(home: Home) -> None:
    home.published.mkdir(parents=True, exist_ok=True)
    duckdb.connect(str(home.bi_database)).close()


def run(
    server: Metabase | str, *arguments: str, name: str = "provision", password: str = PASSWORD
) -> Result:
    url = server if isinstance(server, str) else server.url
    whole = ["metabase", name, "--url", url, "--user", USER, *arguments]
    return CliRunner().invoke(cli, whole, input=f"{password}\n")


def provision(server: Metabase, *arguments: str) -> Result:
    result = run(server, *arguments)
    assert result.exit_code == 0, result.output
    return result


def test_every_question_and_view_is_there_once(whole: Metabase) -> None:
    result = provision(whole)
    names = sorted(card["name"] for card in whole.cards.values())
    filters = {name for view in VIEWS for name in filters_of(view)} & CHOICES.keys()
    expected = [*(each.title for each in QUESTIONS), *(f"Values of {name}" for name in filters)]
    assert names == sorted(expected)
    assert [each["name"] for each in whole.dashboards.values()] == [each.title for each in VIEWS]
    for dashboard in whole.dashboards.values():
        assert f"{dashboard['name']}: {whole.url}/dashboard/{dashboard['id']}" in result.stdout


def test_the_database_is_opened_read_only(whole: Metabase, home: Home) -> None:
    provision(whole)
    [database] = whole.databases.values()
    assert (database["engine"], database["name"]) == ("duckdb", "agent-analytics")
    assert database["details"] == {
        "database_file": str(home.bi_database), "read_only": True, "old_implicit_casting": False,
    }  # fmt: skip


def test_a_question_without_filter_values_is_the_view_as_it_stands(whole: Metabase) -> None:
    provision(whole)
    for question in QUESTIONS:
        sql = whole.sql(whole.card(question.title), {})
        assert _lines(sql) == _lines(rewrite(question, lambda name, condition: None))


def test_a_questions_sql_answers_as_the_views_own_with_the_same_filters(
    whole: Metabase, filled: duckdb.DuckDBPyConnection
) -> None:
    provision(whole)
    narrowed = 0
    for question in QUESTIONS:
        card = whole.card(question.title)
        everything = filled.execute(whole.sql(card, {})).fetchall()
        for name in question.filters:
            values = GIVEN[name]
            asked = filled.execute(whole.sql(card, {name: values})).fetchall()
            value: Any = values[0] if name in ("since", "until") else values
            sql, bound = bind(question, {name: value})
            expected = filled.execute(sql, bound).fetchall()
            assert sorted(map(repr, asked)) == sorted(map(repr, expected))
            narrowed += asked != everything
    assert narrowed > len(QUESTIONS)


def test_the_lists_of_filters_come_from_a_column_that_their_questions_return(
    whole: Metabase, filled: duckdb.DuckDBPyConnection
) -> None:
    provision(whole)
    for dashboard in whole.dashboards.values():
        for parameter in dashboard["parameters"]:
            if parameter["type"] == "date/single":
                continue
            source = parameter["values_source_config"]
            card = whole.cards[source["card_id"]]
            [column] = filled.execute(whole.sql(card, {})).description
            assert column[0] == source["value_field"][1] == choices_column(parameter["slug"])


def test_cards_lie_on_the_grid_side_by_side_and_hear_the_filters_that_they_know(
    whole: Metabase,
) -> None:
    provision(whole)
    for view in VIEWS:
        dashboard = whole.dashboard(view.title)
        cells: set[tuple[int, int]] = set()
        slugs = {each["id"]: each["slug"] for each in dashboard["parameters"]}
        assert list(slugs.values()) == list(filters_of(view))
        for placed, question in zip(dashboard["dashcards"], view.questions, strict=True):
            rows = range(placed["row"], placed["row"] + placed["size_y"])
            columns = range(placed["col"], placed["col"] + placed["size_x"])
            taken = {(row, column) for row in rows for column in columns}
            assert not taken & cells
            assert columns.stop <= GRID_WIDTH
            cells |= taken
            assert whole.cards[placed["card_id"]]["name"] == question.title
            heard = {slugs[each["parameter_id"]] for each in placed["parameter_mappings"]}
            assert heard == set(question.filters)


def test_charts_name_columns_that_their_questions_return(
    whole: Metabase, filled: duckdb.DuckDBPyConnection
) -> None:
    provision(whole)
    for question in QUESTIONS:
        card = whole.card(question.title)
        found = filled.execute(whole.sql(card, {})).description
        settings = card["visualization_settings"]
        named = [
            *settings.get("graph.dimensions", []), *settings.get("graph.metrics", []),
            *(settings[key] for key in ("scalar.field", "table.pivot_column",
                                        "table.cell_column") if key in settings),
        ]  # fmt: skip
        assert set(named) <= {column[0] for column in found}
        assert bool(named) == (card["display"] != "table" or "table.pivot" in settings)
        if "table.pivot" in settings:
            assert len(found) == 3, "Metabase pivots tables of three columns alone"


def test_money_reads_as_dollars_and_a_share_as_percent(whole: Metabase) -> None:
    provision(whole)
    styles = {
        json.loads(column)[1]: setting["number_style"]
        for card in whole.cards.values()
        for column, setting in card["visualization_settings"].get("column_settings", {}).items()
        if "number_style" in setting
    }
    assert styles["cost_usd"] == "currency"
    assert styles["cache_hit_ratio"] == "percent"


@pytest.mark.parametrize("respells", [False, True])
def test_a_second_run_writes_nothing(metabase: Metabase, respells: bool) -> None:
    metabase.respells = respells
    provision(metabase)
    metabase.asked.clear()
    result = provision(metabase)
    assert metabase.writes == []
    assert re.search(r"^(\d+) of \1 are as they should be\.$", result.stdout, re.MULTILINE)


def test_sql_that_changed_updates_its_question_and_nothing_else(
    metabase: Metabase, views: Path
) -> None:
    provision(metabase)
    metabase.asked.clear()
    file = views / "cost_tracking" / "spend.sql"
    file.write_text(file.read_text().replace("sum(cost_usd)", "sum(cost_usd) + 0"))
    provision(metabase)
    card = metabase.card("Spend at list price")
    assert metabase.writes == [f"PUT /api/card/{card['id']}"]
    assert "sum(cost_usd) + 0" in card["dataset_query"]["native"]["query"]


def test_what_was_changed_by_hand_is_reported_and_stays_unless_forced(metabase: Metabase) -> None:
    provision(metabase)
    card = metabase.card("Spend at list price")
    card["display"] = "smartscalar"
    metabase.dashboard("Cost tracking")["dashcards"].pop()
    metabase.asked.clear()
    result = provision(metabase)
    assert metabase.writes == []
    assert card["display"] == "smartscalar"
    assert "changed by hand: 2" in result.stderr
    assert "Spend at list price" in result.stdout
    provision(metabase, "--force")
    assert card["display"] == "scalar"
    metabase.asked.clear()
    assert "changed by hand" not in provision(metabase).output
    assert metabase.writes == []


def test_tabs_and_series_that_somebody_made_on_a_dashboard_are_theirs(
    metabase: Metabase, views: Path
) -> None:
    provision(metabase)
    tabbed, combined = metabase.dashboard("Cost tracking"), metabase.dashboard("ROI")
    tabbed["tabs"] = [{"id": 7, "name": "Mine"}]
    for card in tabbed["dashcards"]:
        card["dashboard_tab_id"] = 7
    combined["dashcards"][0]["series"] = [{"id": metabase.card("Paid")["id"]}]
    for name in FEW:
        file = views / name / "view.yml"
        file.write_text(file.read_text().replace("description: >-", "description: >-\n  New.", 1))
    metabase.asked.clear()
    assert "changed by hand: 2" in provision(metabase).stderr
    assert metabase.writes == []
    provision(metabase, "--force")
    assert tabbed["tabs"] == []
    assert {card["dashboard_tab_id"] for card in tabbed["dashcards"]} == {None}
    assert [card["series"] for card in combined["dashcards"] if card["series"]] == []
    metabase.asked.clear()
    assert "changed by hand" not in provision(metabase).output
    assert metabase.writes == []


def test_a_change_by_hand_stays_when_the_view_changes_too(metabase: Metabase, views: Path) -> None:
    provision(metabase)
    card = metabase.card("Spend at list price")
    card["name"] = "What we spend"
    file = views / "cost_tracking" / "spend.sql"
    file.write_text(file.read_text().replace("sum(cost_usd)", "sum(cost_usd) + 0"))
    provision(metabase)
    assert card["name"] == "What we spend"
    assert "+ 0" not in card["dataset_query"]["native"]["query"]


def test_what_was_thrown_away_stays_away_unless_forced(metabase: Metabase) -> None:
    provision(metabase)
    card = metabase.card("Spend at list price")
    card["archived"] = card["thrown_away"] = True
    count = len(metabase.cards)
    result = provision(metabase)
    assert "in the trash" in result.stdout
    assert (len(metabase.cards), card["archived"]) == (count, True)
    placed = [each["card_id"] for each in metabase.dashboard("Cost tracking")["dashcards"]]
    assert card["id"] not in placed
    provision(metabase, "--force")
    assert not card["archived"]
    dashboard = metabase.dashboard("Cost tracking")
    assert card["id"] in [each["card_id"] for each in dashboard["dashcards"]]


def test_a_thrown_away_dashboard_is_brought_back_by_force(metabase: Metabase) -> None:
    provision(metabase)
    dashboard = metabase.dashboard("Cost tracking")
    dashboard["archived"] = dashboard["thrown_away"] = True
    provision(metabase, "--force")
    assert not dashboard["archived"]
    assert len(metabase.dashboards) == len(FEW)


def test_a_copy_that_somebody_made_is_theirs(metabase: Metabase) -> None:
    provision(metabase)
    card = metabase.card("Spend at list price")
    copied = {**card, "id": 9999, "name": "Spend at list price - Duplicate"}
    metabase.cards[9999] = dict(copied)
    metabase.asked.clear()
    provision(metabase, "--force")
    assert (metabase.writes, metabase.cards[9999]) == ([], copied)


def test_places_on_a_dashboard_keep_their_ids_when_it_changes(
    metabase: Metabase, views: Path
) -> None:
    provision(metabase)
    before = {each["card_id"]: each["id"] for each in metabase.dashboard("ROI")["dashcards"]}
    file = views / "roi" / "view.yml"
    file.write_text(file.read_text().replace("width: 24", "width: 20"))
    provision(metabase)
    after = {each["card_id"]: each["id"] for each in metabase.dashboard("ROI")["dashcards"]}
    assert before == after
    assert 20 in {each["size_x"] for each in metabase.dashboard("ROI")["dashcards"]}


def test_a_question_that_left_its_view_is_named_and_not_touched(
    metabase: Metabase, views: Path
) -> None:
    provision(metabase)
    view = views / "cost_tracking" / "view.yml"
    first = re.compile(r"  - id: spend\n.*?(?=  - id: )", re.DOTALL)
    view.write_text(first.sub("", view.read_text()))
    (views / "cost_tracking" / "spend.sql").unlink()
    result = provision(metabase)
    assert "no longer in use" in result.stdout
    card = metabase.card("Spend at list price")
    placed = [each["card_id"] for each in metabase.dashboard("Cost tracking")["dashcards"]]
    assert card["id"] not in placed


def test_a_run_that_broke_off_is_finished_by_the_next(metabase: Metabase) -> None:
    metabase.fails_at = ("PUT", "/api/dashboard/")
    broken = run(metabase)
    assert broken.exit_code == 1
    assert "Timed out" in broken.stderr
    provision(metabase)
    assert len(metabase.dashboards) == len(FEW)
    assert all(each["dashcards"] for each in metabase.dashboards.values())
    metabase.asked.clear()
    provision(metabase)
    assert metabase.writes == []


def test_a_new_metabase_gets_the_user_as_its_administrator(home: Home, views: Path) -> None:
    _publish(home)
    with emulated(Metabase()) as server:
        provision(server)
        assert server.users == {USER: PASSWORD}
        assert server.settings["anon-tracking-enabled"] is False
        assert len(server.dashboards) == len(FEW)
        server.asked.clear()
        provision(server)
        assert server.writes == []


def test_a_dry_run_writes_nothing_and_tells_what_it_would_do(metabase: Metabase) -> None:
    result = provision(metabase, "--dry-run", "--json")
    assert metabase.writes == []
    said = json.loads(result.stdout)
    assert said["dry_run"] is True
    assert {step["action"] for step in said["steps"]} == {"create"}
    assert sum(step["kind"] == "question" for step in said["steps"]) > 10
    assert said["dashboards"] == []


def test_a_dry_run_on_a_new_metabase_needs_no_password(home: Home) -> None:
    with emulated(Metabase()) as server:
        result = run(server, "--dry-run")
        assert result.exit_code == 0, result.output
        assert server.asked == [("GET", "/api/session/properties", "")]
        assert "no user yet" in result.stderr


def test_status_says_what_is_there(metabase: Metabase) -> None:
    provision(metabase)
    metabase.card("Spend at list price")["name"] = "Mine"
    metabase.asked.clear()
    result = run(metabase, "--json", name="status")
    said = json.loads(result.stdout)
    assert metabase.writes == []
    assert len(said["dashboards"]) == len(FEW)
    [kept] = [step for step in said["steps"] if step["action"] != "unchanged"]
    assert (kept["action"], kept["reason"]) == ("kept", "changed by hand")


def test_nothing_is_removed_from_a_metabase_without_users(home: Home) -> None:
    with emulated(Metabase()) as server:
        result = run(server, name="remove")
        assert (result.exit_code, "is new" in result.stderr) == (1, True)


def test_removed_it_lies_in_the_trash_and_can_be_made_anew(metabase: Metabase) -> None:
    provision(metabase)
    result = run(metabase, name="remove")
    assert result.exit_code == 0, result.output
    assert all(each["archived"] for each in metabase.cards.values())
    assert len(metabase.databases) == 1
    again = run(metabase, name="remove")
    assert (again.exit_code, "Nothing is to be removed" in again.stdout) == (0, True)
    provision(metabase)
    assert len([each for each in metabase.dashboards.values() if not each["archived"]]) == len(FEW)


def test_a_database_elsewhere_is_kept_until_another_path_is_given(
    metabase: Metabase, tmp_path: Path
) -> None:
    for name in ("one.duckdb", "two.duckdb"):
        duckdb.connect(str(tmp_path / name)).close()
    provision(metabase, "--database", str(tmp_path / "one.duckdb"))
    [database] = metabase.databases.values()
    database["details"]["memory_limit"] = "1GB"
    metabase.asked.clear()
    provision(metabase)
    assert metabase.writes == []
    provision(metabase, "--database", str(tmp_path / "two.duckdb"))
    assert metabase.writes == [f"PUT /api/database/{database['id']}"]
    assert database["details"]["database_file"] == str(tmp_path / "two.duckdb")
    assert database["details"]["memory_limit"] == "1GB"


def test_two_installations_in_one_metabase_do_not_touch_each_other(
    metabase: Metabase, tmp_path: Path
) -> None:
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    provision(metabase)
    provision(metabase, "--collection", "Other team", "--database", str(tmp_path / "other.duckdb"))
    assert len(metabase.databases) == 2
    assert len(metabase.dashboards) == 2 * len(FEW)
    metabase.asked.clear()
    provision(metabase)
    assert metabase.writes == []


def test_a_path_that_metabase_cannot_open_is_named(metabase: Metabase) -> None:
    result = run(metabase, "--database", "/nowhere/bi.duckdb")
    assert result.exit_code == 1
    assert "cannot open /nowhere/bi.duckdb" in result.stderr
    assert metabase.cards == {}


def test_a_wrong_password_is_told_as_such_and_stands_nowhere(
    metabase: Metabase, home: Home
) -> None:
    result = run(metabase, password="wrong but secret")
    assert result.exit_code == 1
    assert f"does not let {USER} in" in result.stderr
    assert "wrong but secret" not in result.output
    assert metabase.writes == []


def test_the_password_is_in_one_request_and_in_nothing_that_is_printed_or_kept(
    metabase: Metabase, home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    file.chmod(0o600)
    result = provision(metabase, "--password-file", str(file), "--json")
    assert PASSWORD not in result.output
    carried = [(method, path) for method, path, body in metabase.asked if PASSWORD in body]
    assert carried == [("POST", "/api/session")]
    kept = [path for path in home.root.rglob("*") if path.is_file()]
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]


def test_a_password_file_that_others_may_read_is_refused(
    metabase: Metabase, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD, encoding="utf-8")
    file.chmod(0o644)
    result = run(metabase, "--password-file", str(file))
    assert result.exit_code == 1
    assert "chmod 600" in result.stderr
    assert metabase.asked == [("GET", "/api/session/properties", "")]


def test_no_password_at_all_is_told(metabase: Metabase) -> None:
    result = run(metabase, password="")
    assert (result.exit_code, "it is empty" in result.stderr) == (1, True)


def test_a_user_who_is_no_administrator_is_told_so(metabase: Metabase) -> None:
    metabase.admins.clear()
    result = run(metabase)
    assert result.exit_code == 1
    assert "must be an administrator" in result.stderr


def test_no_server_is_told_with_the_next_step() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = run(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert result.exit_code == 1
    assert "No Metabase answers at" in result.stderr


def test_another_release_is_noted(metabase: Metabase) -> None:
    metabase.version = "v0.71.2"
    assert "This is Metabase v0.71.2" in provision(metabase, "--dry-run").stderr
    metabase.version = "v0.63.25"
    assert "This is Metabase" not in provision(metabase, "--dry-run").stderr


@pytest.mark.parametrize("url", [
    "metabase.example.com", "ftp://x", "http://ada:pw@x.example", "http://[::1", "http://x/?a=b",
])  # fmt: skip
def test_an_address_that_is_none_is_wrong_usage(url: str) -> None:
    result = run(url)
    assert result.exit_code == 2
    assert "pw" not in result.output


def _lines(sql: str) -> list[str]:
    return [line.rstrip() for line in sql.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda card: card.update(colour="red"), "disallowed key: ['colour']"),
        (lambda card: card.pop("display"), "missing required key: ['display']"),
        (lambda card: card.update(display="interval"), "none of"),
        (lambda card: card.update(collection_id="7"), "no integer"),
        (lambda card: card["dataset_query"].update(database=999), "Not found"),
        (lambda card: card["dataset_query"]["native"]["template-tags"].clear(), "variables"),
    ],
)
def test_the_emulated_metabase_refuses_what_the_real_one_would(
    metabase: Metabase, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    provision(metabase)
    sent = [body for method, path, body in metabase.asked if (method, path) == ("POST", CARDS)]
    card = json.loads(sent[-1])
    session = metabase.add_session(USER)
    with httpx.Client(base_url=metabase.url, headers={"X-Metabase-Session": session}) as client:
        assert client.post(CARDS, json=card).status_code == 200
        change(card)
        answer = client.post(CARDS, json=card)
        assert answer.status_code in (400, 404)
        assert problem in answer.text
        assert client.post(CARDS, json=card, headers={"X-Metabase-Session": "x"}).status_code == 401
