"""Changes to the user's files: shown exactly, made whole, refused politely, and undone."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_analytics_cli.changes import (
    ChangeRefused,
    FileChange,
    apply,
    create_folders,
    masked,
    read_for_change,
    remove_leftovers,
    write_atomically,
)  # fmt: skip
from agent_analytics_cli.receipt import (
    BrokenReceipt,
    FragmentLost,
    Receipt,
    entry_for,
    remove_created_folders,
    undo,
)  # fmt: skip
from agent_analytics_collector.home import Home


def test_the_difference_is_what_diff_prints(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert FileChange(path, b"a\n", b"a\n", "").diff() == ""
    assert FileChange(path, None, b"a\n", "").diff() == (
        f"--- /dev/null\n+++ {path}\n@@ -0,0 +1 @@\n+a\n"
    )
    assert FileChange(path, b"a\x0cb\xff\r\nc", b"a\x0cb\xff\r\nc\n", "").diff() == (
        f"--- {path}\n+++ {path}\n@@ -1,2 +1,2 @@\n a\x0cb\\xff\r\n"
        "-c\n\\ No newline at end of file\n+c\n"
    )
    assert FileChange(path, b"a", None, "").diff() == (
        f"--- {path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n\\ No newline at end of file\n"
    )


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        ('+  "ANTHROPIC_API_KEY": "sk-1",', '+  "ANTHROPIC_API_KEY": "****",'),
        ('{"my_token":"a\\"b","x":1}', '{"my_token":"****","x":1}'),
        ("-api_key: aa_prod_1", "-api_key: ****"),
        ("+api_key: null", "+api_key: null"),
        ('"maxTokens": 5', '"maxTokens": 5'),
        ('"keys": "v", "keybindings": "emacs"', '"keys": "****", "keybindings": "emacs"'),
        (" export GITHUB_TOKEN=ghp_x", " export GITHUB_TOKEN=****"),
        ("set -gx DB_PASSWORD 'p w'", "set -gx DB_PASSWORD '****'"),
        ("# the key of the matter", "# the key of the matter"),
        ('"H": "x-developer-id=me,x-api-key=aa"', '"H": "x-developer-id=me,x-api-key=****"'),
        ("Authorization=Bearer abc,x=y", "Authorization=****"),
        ('"Authorization": "Basic dXNl cm", "x": 1', '"Authorization": "****", "x": 1'),
        ("curl -H 'Authorization: token abc' h", "curl -H 'Authorization: ****' h"),
        ('-H \\"Authorization: Digest u=\\"me\\"', '-H \\"Authorization: ****'),
        ("postgres://u:hunter2@h/d", "postgres://****@h/d"),
        ("https://me:t@ok@h/a@b http://h/a@b", "https://****@h/a@b http://h/a@b"),
        ("curl -u me:pw --user=me:pw h", "curl -u me:**** --user=me:**** h"),
        ("export GITHUB_PAT=x PATH=/bin", "export GITHUB_PAT=**** PATH=/bin"),
        ("nothing here but aa%2C1", "nothing here but ****"),
    ],
)
def test_secrets_are_hidden_in_what_is_shown(shown: str, hidden: str) -> None:
    assert masked(shown, ["aa%2C1", ""]) == hidden


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o751)
    apply(FileChange(path, b"old", b"new", ""))
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o751)
    apply(FileChange(path, b"new", b"newer", "", 0o600))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    apply(FileChange(path, b"newer", None, ""))
    apply(FileChange(tmp_path / "deep/er/file", None, b"x", ""))
    assert stat.S_IMODE((tmp_path / "deep/er/file").stat().st_mode) == 0o600
    assert [found for found in tmp_path.iterdir() if found.is_file()] == []


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"somebody else's")
    for before in (None, b"old"):
        with pytest.raises(ChangeRefused, match="was changed by somebody else meanwhile"):
            apply(FileChange(path, before, b"new", ""))
    assert path.read_bytes() == b"somebody else's"


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ChangeRefused, match="it is no regular file"):
        read_for_change(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    assert read_for_change(tmp_path / "file" / "below") is None
    with pytest.raises(ChangeRefused, match="it cannot be written: "):
        apply(FileChange(tmp_path / "file" / "below", None, b"x", ""))
    with pytest.raises(ChangeRefused, match="it cannot be looked at: File name too long"):
        read_for_change(tmp_path / ("x" * 300))


def test_a_killed_write_leaves_the_old_file_and_its_remains_can_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from agent_analytics_cli.changes import write_atomically\n"
        "os.replace = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomically(Path(sys.argv[1]), b'new')\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert ran.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    (tmp_path / ".file.mine").write_bytes(b"")
    assert len(list(tmp_path.glob(".file.*"))) == 2
    remove_leftovers(path)
    assert [found.name for found in tmp_path.glob(".file.*")] == [".file.mine"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write_atomically(folder, b"x")
    assert list(tmp_path.glob(".folder*")) == []


def change_and_note(receipt: Receipt, path: Path, after: bytes, fragment: str) -> None:
    change = FileChange(path, read_for_change(path), after, "")
    receipt.put(entry_for(change, "profile", [fragment], receipt.find(path)))
    receipt.save()
    create_folders(path.parent)
    apply(change)


def take_out(receipt: Receipt, path: Path) -> None:
    entry = receipt.find(path)
    assert entry is not None
    change = undo(entry)
    if change is not None:
        apply(change)
    remove_created_folders(entry)


OURS = "# agent-analytics\nours\n"


@pytest.mark.parametrize(
    ("before", "fragment", "edit", "left"),
    [
        (b"a\n", OURS, lambda t: t, b"a\n"),
        (b"a", "\n" + OURS, lambda t: t, b"a"),
        (b"a", "\n" + OURS, lambda t: t + b"b\n", b"a\nb\n"),
        (b"", OURS, lambda t: b"b\r\n" + t + b"\xff", b"b\r\n\xff"),
        (None, OURS, lambda t: t, None),
        (None, OURS, lambda t: t + b"b\n", b"b\n"),
        (None, OURS, lambda t: t + b"\n", None),
        (b"a\n", OURS, lambda t: b"a\nb\n", b"a\nb\n"),
    ],
)  # fmt: skip
def test_a_fragment_is_taken_out_whatever_was_edited_around_it(
    home: Home, tmp_path: Path, before: bytes | None, fragment: str,
    edit: Callable[[bytes], bytes], left: bytes | None,
) -> None:  # fmt: skip
    path = tmp_path / "new/folder/profile"
    if before is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(before)
    change_and_note(Receipt.load(home), path, (before or b"") + fragment.encode(), fragment)
    path.write_bytes(edit(path.read_bytes()))
    take_out(Receipt.load(home), path)
    assert (path.read_bytes() if path.exists() else None) == left
    assert (tmp_path / "new").exists() == (before is not None or left is not None)


def test_a_fragment_that_was_edited_itself_is_told(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "profile"
    receipt = Receipt.load(home)
    change_and_note(receipt, path, b"a\n" + OURS.encode(), OURS)
    entry = receipt.entries[0]
    for text in ("# agent-analytics\nmine\n", OURS + OURS):
        path.write_text(text)
        with pytest.raises(FragmentLost, match="Take it out by hand; nothing else in the file"):
            undo(entry)
        assert path.read_text() == text


def test_what_was_added_to_a_file_we_made_outlives_our_next_change(
    home: Home, tmp_path: Path
) -> None:
    path, receipt = tmp_path / "profile", Receipt.load(home)
    change_and_note(receipt, path, OURS.encode(), OURS)
    path.write_text(f"{OURS}mine\n")
    newer = OURS.replace("ours", "newer")
    change_and_note(receipt, path, f"{newer}mine\n".encode(), newer)
    take_out(receipt, path)
    assert path.read_text() == "mine\n"


def test_a_change_that_was_noted_and_never_made_is_undone_by_nothing(
    home: Home, tmp_path: Path
) -> None:
    path = tmp_path / "not/there"
    receipt = Receipt.load(home)
    receipt.put(entry_for(FileChange(path, None, b"x", ""), "profile", ["x"], None))
    assert undo(receipt.entries[0]) is None
    path.parent.mkdir()
    path.write_bytes(b"the user's own\n")
    assert undo(receipt.entries[0]) is None
    # Put in again, it is the user's file that we change, in a folder that we meant to make.
    entry = entry_for(
        FileChange(path, b"the user's own\n", b"the user's own\nx", ""), "profile", ["x"],
        receipt.entries[0],
    )  # fmt: skip
    assert (entry.created, entry.created_folders) == (False, [str(path.parent)])


def test_the_receipt_is_private_and_goes_with_its_last_entry(home: Home, tmp_path: Path) -> None:
    receipt = Receipt.load(home)
    change_and_note(receipt, tmp_path / "profile", OURS.encode(), OURS)
    assert stat.S_IMODE(home.receipt.stat().st_mode) == 0o600
    assert Receipt.load(home).entries == receipt.entries
    receipt.forget(str(tmp_path / "profile"))
    receipt.save()
    assert not home.receipt.exists()


def test_a_broken_receipt_is_told(home: Home) -> None:
    home.receipt.write_text("[{]")
    with pytest.raises(BrokenReceipt, match="has to be taken out by hand"):
        Receipt.load(home)
