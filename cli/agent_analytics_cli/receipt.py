"""What was changed outside of our own folder, exactly enough to take it out again."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import stat
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from agent_analytics_cli.changes import (
    FileChange,
    missing_folders,
    read_for_change,
    write_atomically,
)  # fmt: skip
from agent_analytics_cli.json_reader import NotJson
from agent_analytics_cli.json_text import has_part, is_empty, put_value, take_out
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home

NOT_OURS_AS_A_WHOLE = ""
_UNCHANGED: tuple[int | None, int | None] = (None, None)


class FragmentLost(AgentAnalyticsError):
    """What we once wrote into a file is no longer there as written."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"What agent-analytics wrote into {path} was changed since. "
            "Take it out by hand; nothing else in the file is ours."
        )


class BrokenReceipt(AgentAnalyticsError):
    """The record of changes cannot be read."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"{path}, the record of what was changed, cannot be read: {problem}. "
            "Move it away to go on; what was changed then has to be taken out by hand."
        )


class Replaced(msgspec.Struct, frozen=True):
    """A value of the user's that one of ours took the place of, as both stand in the text."""

    name: str
    """Of the member of a JSON object; of TOML the key, and both texts are whole lines."""
    before: str
    after: str


class Entry(msgspec.Struct, frozen=True):
    """One file of the user's that we changed."""

    path: str
    kind: str
    """hook, settings, backup, profile, or stub: a script in our own folder that settings name"""
    created: bool
    """There was no such file: it goes again when nothing but ours is left in it."""
    fragments: list[str]
    """Texts that were put in, each exactly as it stands in the file."""
    after_sha256: str
    """Of the file as we left it: unchanged since, the whole of a created file is ours.

    NOT_OURS_AS_A_WHOLE where other people's text was in it already.
    """
    mode_before: int | None = None
    """Permission bits that the file had, where we changed them."""
    mode_after: int | None = None
    """Those that we gave it; they go back to what they were unless somebody changed them since."""
    created_folders: list[str] = []
    """Folders made for the file, outermost first; they go again when they are empty."""
    under: str | None = None
    """Of a JSON file the top-level key whose members the one fragment holds; else None."""
    part: str = ""
    """Tells several things of ours in one file apart; each goes by itself."""
    replaced: list[Replaced] = []
    """Values that get back what they were, where they are still ours."""


class Receipt:
    """The entries of one home, kept in `installed.json` (0600)."""

    def __init__(self, path: Path, entries: list[Entry]) -> None:
        self._path = path
        self.entries = entries

    @classmethod
    def load(cls, home: Home) -> Receipt:
        """Raises BrokenReceipt."""
        try:
            entries = msgspec.json.decode(home.receipt.read_bytes(), type=list[Entry])
        except (FileNotFoundError, NotADirectoryError):
            entries = []
        except (OSError, msgspec.DecodeError) as error:
            raise BrokenReceipt(home.receipt, str(error)) from error
        return cls(home.receipt, entries)

    def save(self) -> None:
        """Write it down; a receipt without entries leaves no file."""
        if self.entries:
            content = msgspec.json.format(msgspec.json.encode(self.entries), indent=2)
            write_atomically(self._path, content)
        else:
            self._path.unlink(missing_ok=True)

    def find(self, path: Path, part: str = "") -> Entry | None:
        return next(
            (entry for entry in self.entries if (entry.path, entry.part) == (str(path), part)), None
        )

    def put(self, entry: Entry) -> None:
        """Add the entry; it takes the place of an older one of the same part of the same path.

        A file that we made is ours as a whole, whichever part made it.
        """
        self.forget(entry.path, entry.part)
        if any(other.created for other in self.entries if other.path == entry.path):
            entry = msgspec.structs.replace(entry, created=True)
        self.entries.append(entry)

    def forget(self, path: str, part: str = "") -> None:
        self.entries = [
            entry for entry in self.entries if (entry.path, entry.part) != (path, part)
        ]  # fmt: skip


@contextlib.contextmanager
def locked_receipt(home: Home, receipt: Receipt) -> Iterator[None]:
    """Hold off other commands that change the receipt, and take over what they wrote before."""
    home.create()
    with open(home.run / "receipt.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        receipt.entries = Receipt.load(home).entries
        yield


def sha256(content: bytes) -> str:
    """Digest for `Entry.after_sha256`."""
    return hashlib.sha256(content).hexdigest()


def entry_for(
    change: FileChange,
    kind: str,
    fragments: list[str],
    old: Entry | None,
    under: str | None = None,
    part: str = "",
    replaced: Sequence[Replaced] = (),
) -> Entry:
    """The entry to write down before `change` is made; `old` is the one of the same part.

    What was true before our first change stays true: whether the file was there, its permissions.
    """
    path = change.path
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    if old is None or change.before is None or not holds(old, change.before):
        # Never written, or not there any more.
        created, modes = change.before is None, _UNCHANGED
        folders = [str(folder) for folder in missing_folders(path.parent)]
        # A folder of a change that was never made, or undone by hand, is still ours.
        folders = [*(old.created_folders if old else []), *folders]
    else:
        created, folders = old.created, old.created_folders
        modes = old.mode_before, old.mode_after
    if change.mode is not None and not created and change.mode != mode:
        modes = mode, change.mode
    # A file that we made and somebody added to since is no longer ours as a whole.
    is_all_ours = change.before is None or (
        created and old is not None and sha256(change.before) == old.after_sha256
    )
    return Entry(
        str(path), kind, created, fragments,
        sha256(change.after or b"") if is_all_ours else NOT_OURS_AS_A_WHOLE,
        *modes, list(dict.fromkeys(folders)), under, part, list(replaced),
    )  # fmt: skip


def holds(entry: Entry, content: bytes) -> bool:
    """Whether anything of the entry's fragments is in the content."""
    if entry.created and sha256(content) == entry.after_sha256:
        return True
    if entry.replaced and _with_values(entry, content) != content:
        return True
    if entry.under is not None:
        text = content.decode("utf-8", "surrogateescape")
        with contextlib.suppress(NotJson):
            if any(has_part(text, fragment, entry.under) for fragment in entry.fragments):
                return True
        return any(fragment in text for fragment in entry.fragments)
    there = {line.strip() for line in content.splitlines()}
    return any(line in there for fragment in entry.fragments for line in _own_lines(fragment))


def undo(entry: Entry) -> FileChange | None:
    """The change that takes our fragments out, byte for byte, whatever was edited around them.

    None when nothing of ours is left. Of a JSON file that was laid out anew, our members that
    still have our values go. Raises ChangeRefused, and FragmentLost when a fragment is no longer
    there as written.
    """
    return undo_in(entry, read_for_change(Path(entry.path)))


def undo_in(entry: Entry, before: bytes | None) -> FileChange | None:
    """The same of a file that will hold `before`. Raises FragmentLost."""
    path = Path(entry.path)
    if before is None or not holds(entry, before):
        return None
    why = "take out what agent-analytics put in"
    if entry.created and sha256(before) == entry.after_sha256:
        return FileChange(path, before, None, why)
    rest = _with_values(entry, before)
    after = _without_members(entry, rest) if entry.under else _without_fragments(entry, rest)
    if path.suffix == ".toml" and not _is_toml_of(after, rest):
        raise FragmentLost(entry.path)  # keys that somebody put under a heading of ours
    if entry.created and not after.strip():
        return FileChange(path, before, None, why)
    is_ours = stat.S_IMODE(path.stat().st_mode) == entry.mode_after
    return FileChange(path, before, after, why, entry.mode_before if is_ours else None)


def _with_values(entry: Entry, content: bytes) -> bytes:
    """The content with the user's values where ours took their place and still stand."""
    text = content.decode("utf-8", "surrogateescape")
    for one in entry.replaced:
        if entry.under is None:
            text = _with_line(text, one.after, one.before)
        else:
            with contextlib.suppress(NotJson):
                text = put_value(text, entry.under, one.name, one.after, one.before)
    return text.encode("utf-8", "surrogateescape")


def _with_line(text: str, old: str, new: str) -> str:
    """The text with one line for another, where that line is there once."""
    lines = text.split("\n")
    places = [place for place, line in enumerate(lines) if line.removesuffix("\r") == old]
    if len(places) == 1:
        ending = "\r" if lines[places[0]].endswith("\r") else ""
        lines[places[0]] = new + ending
    return "\n".join(lines)


def _without_fragments(entry: Entry, content: bytes) -> bytes:
    for fragment in reversed(entry.fragments):
        written = fragment.encode("utf-8", "surrogateescape")
        if not written or content.count(written) != 1:
            raise FragmentLost(entry.path)
        before, _, behind = content.partition(written)
        # A fragment that begins with a line break completed the last line of then: lines that were
        # added behind it need that break now.
        lead = written[:2] if written[:2] == b"\r\n" else written[:1]
        is_joined = before and not before.endswith(b"\n") and behind and lead.endswith(b"\n")
        joint = lead if is_joined and written.endswith(b"\n") else b""
        content = before + joint + behind
    return content


def _is_toml_of(after: bytes, before: bytes) -> bool:
    """Whether nothing means anything that it did not mean before; what was no TOML may stay so."""
    try:
        whole = tomllib.loads(before.decode())
    except ValueError:
        return True
    try:
        return _is_part(tomllib.loads(after.decode()), whole)
    except ValueError:
        return False


def _is_part(part: object, whole: object) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _is_part(part[name], whole[name]) for name in part)
    return part == whole


def _without_members(entry: Entry, content: bytes) -> bytes:
    text = content.decode("utf-8", "surrogateescape")
    try:
        for fragment in reversed(entry.fragments):
            text = take_out(text, fragment, entry.under or "")
    except NotJson as error:
        raise FragmentLost(entry.path) from error
    if entry.created and is_empty(text):
        return b""
    return text.encode("utf-8", "surrogateescape")


def _own_lines(fragment: str) -> set[bytes]:
    """Lines that nobody else would write: those that name us, where there are any."""
    lines = {line.strip() for line in fragment.encode("utf-8", "surrogateescape").splitlines()}
    lines.discard(b"")
    return {line for line in lines if b"agent-analytics" in line} or lines


def remove_created_folders(entry: Entry) -> None:
    """Remove the folders made for the file that are empty by now."""
    for folder in reversed(entry.created_folders):
        try:
            Path(folder).rmdir()
        except OSError:
            return
