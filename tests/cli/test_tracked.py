"""Which repositories are followed, and what of them was delivered."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from agent_analytics_cli.git.repository import find_repository
from agent_analytics_cli.git.tracked import Tracked
from agent_analytics_collector.home import Home

from .repositories import make_repository


def test_a_folder_of_any_name_is_followed_and_found_again(home: Home, tmp_path: Path) -> None:
    folders = [tmp_path / "a b", tmp_path / "größe", tmp_path / os.fsdecode(b"\xff%41")]
    for folder in folders:
        Tracked.load(home, None).keep(find_repository(make_repository(folder)))
    found = Tracked.load(home, None).repositories()
    assert {repository.top_level for repository in found} == set(folders)


def test_what_was_delivered_counts_for_that_collector_alone(home: Home, tmp_path: Path) -> None:
    repository = find_repository(make_repository(tmp_path / "here"))
    tracked = Tracked.load(home, None)
    followed = tracked.of(repository)
    followed.tips, followed.measured = ["a" * 40], {14: date(2026, 11, 1)}
    tracked.keep(repository, followed)
    assert Tracked.load(home, None).of(repository) == followed
    elsewhere = Tracked.load(home, "https://team.example.com")
    assert list(elsewhere.repositories()) == [repository]
    assert elsewhere.of(repository).tips == []


def test_what_others_kept_in_the_meantime_stays(home: Home, tmp_path: Path) -> None:
    repository = find_repository(make_repository(tmp_path / "here"))
    other = find_repository(make_repository(tmp_path / "there"))
    importing, measuring = Tracked.load(home, None), Tracked.load(home, None)
    imported, measured = importing.of(repository), measuring.of(repository)
    Tracked.load(home, None).keep(other)
    measured.measured[14] = date(2026, 11, 1)
    measuring.keep(repository, measured)
    imported.tips = ["a" * 40]
    importing.keep(repository, imported)
    imported.notes_tip = "b" * 40
    importing.keep(repository, imported)
    measured.measured[14] = date(2026, 11, 2)
    measuring.keep(repository, measured)
    found = Tracked.load(home, None)
    assert set(found.repositories()) == {repository, other}
    known = found.of(repository)
    assert (known.tips, known.notes_tip) == (["a" * 40], "b" * 40)
    assert known.measured == {14: date(2026, 11, 2)}


def test_a_repository_that_is_gone_or_a_damaged_file_costs_nothing(
    home: Home, tmp_path: Path
) -> None:
    folder = make_repository(tmp_path / "gone")
    Tracked.load(home, None).keep(find_repository(folder))
    folder.rename(tmp_path / "moved")
    assert list(Tracked.load(home, None).repositories()) == []
    (home.data / "repositories.json").write_text("{")
    assert list(Tracked.load(home, None).repositories()) == []
