"""The user's CSV files, changed by commands: what is theirs stays theirs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agent_analytics_cli.changes import ChangeRefused
from agent_analytics_cli.money.seed_files import BUDGETS, SUBSCRIPTIONS, edit_seed, read_seed
from agent_analytics_collector.errors import HomeUnusable
from agent_analytics_collector.home import Home

PRO = {"plan": "claude_pro", "developer_id": "ada", "seats": "1", "since": "", "until": ""}


@pytest.fixture
def path(home: Home) -> Path:
    return SUBSCRIPTIONS.path(home)


def put(home: Home, row: dict[str, str]) -> bool:
    with edit_seed(home, SUBSCRIPTIONS) as file:
        return file.put(row)


def test_a_new_file_has_its_heading_and_is_its_owners_alone(home: Home, path: Path) -> None:
    assert put(home, PRO) is False
    assert path.read_text() == "plan,developer_id,seats,since,until\nclaude_pro,ada,1,,\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in home.seeds.iterdir()] == ["subscriptions.csv"]


def test_a_row_of_the_same_key_is_replaced_where_it_stands(home: Home, path: Path) -> None:
    put(home, PRO)
    put(home, PRO | {"developer_id": "jo, of Widgets"})
    assert put(home, PRO | {"seats": "3"}) is True
    assert path.read_text().splitlines()[1:] == [
        "claude_pro,ada,3,,", 'claude_pro,"jo, of Widgets",1,,',
    ]  # fmt: skip


def test_columns_rows_and_ends_of_lines_that_are_the_users_stay(home: Home, path: Path) -> None:
    path.write_bytes(
        b"\xef\xbb\xbfcost centre,plan,developer_id,since\r\n"
        b"42, claude_pro ,ada,\r\n\r\n7,other\r\n"
    )
    assert put(home, PRO | {"seats": "2"}) is True
    assert path.read_bytes() == (
        b"\xef\xbb\xbfcost centre,plan,developer_id,since,seats,until\r\n"
        b"42,claude_pro,ada,,2,\r\n\r\n7,other\r\n"
    )
    assert [row["plan"] for row in read_seed(home, SUBSCRIPTIONS)] == ["claude_pro", "other"]


def test_rows_that_are_removed_are_given_back_and_nothing_else_moves(home: Home) -> None:
    with edit_seed(home, BUDGETS) as file:
        for name in ("core", "web", "core"):
            file.lines.append(["team", name, "500", "list", ""])
        gone = file.remove({"scope": "team", "name": "core"})
    assert [row["monthly_usd"] for row in gone] == ["500", "500"]
    assert [row["name"] for row in read_seed(home, BUDGETS)] == ["web"]


def test_a_file_in_which_nothing_changes_is_not_written(home: Home, path: Path) -> None:
    path.write_text('plan,developer_id,seats,since,until\n"claude_pro",ada,1,,\n')
    before = path.stat()
    put(home, PRO)
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_goes_wrong_in_between_leaves_the_file_as_it_was(home: Home, path: Path) -> None:
    put(home, PRO)
    before = path.read_bytes()

    def change() -> None:
        with edit_seed(home, SUBSCRIPTIONS) as file:
            file.remove({"plan": "claude_pro"})
            raise TimeoutError

    with pytest.raises(TimeoutError):
        change()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"plan,developer_id\ncaf\xe9,x\n", "no CSV in UTF-8"),
        (b'plan,developer_id\n"open,x\n', "no CSV in UTF-8"),
        (b"claude_pro,ada\n", "names no column `plan`"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_alone(
    home: Home, path: Path, content: bytes, problem: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(ChangeRefused, match=problem):
        put(home, PRO)
    assert path.read_bytes() == content


def test_names_of_columns_are_read_without_blanks_and_told_apart(home: Home, path: Path) -> None:
    path.write_text("plan, developer_id, seats\nclaude_pro, ada, 1\n")
    assert put(home, PRO | {"seats": "2"}) is True
    assert path.read_text() == "plan,developer_id,seats,since,until\nclaude_pro,ada,2,,\n"
    path.write_text("plan,seats,plan\nclaude_pro,1,claude_max\n")
    with pytest.raises(ChangeRefused, match="names `plan` twice"):
        read_seed(home, SUBSCRIPTIONS)


def test_what_something_else_manages_is_read_and_not_changed(
    home: Home, path: Path, tmp_path: Path
) -> None:
    managed = tmp_path / "managed.csv"
    managed.write_text("plan\nclaude_pro\n")
    path.symlink_to(managed)
    assert [row["plan"] for row in read_seed(home, SUBSCRIPTIONS)] == ["claude_pro"]
    with pytest.raises(ChangeRefused, match="it is a link"):
        put(home, PRO)
    assert managed.read_text() == "plan\nclaude_pro\n"


def test_a_lock_that_cannot_be_made_is_no_crash(home: Home) -> None:
    (home.run / "seeds.lock").mkdir()
    with pytest.raises(HomeUnusable, match=r"seeds\.lock"):
        put(home, PRO)
