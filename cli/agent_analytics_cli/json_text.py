"""Members put into a JSON text, and taken out again, with nothing else in it touched.

Comments, trailing commas and a byte order mark are read over. What is put in is one contiguous
fragment in the text's own style, so taking it out restores the text exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_analytics_cli.json_reader import Node, NotJson, read

Scalar = str | int | bool | None

_SPACE = " \t\r\n"
_COMMENT_AT_LINE_END = re.compile(r"[ \t]*(?://[^\r\n]*|/\*(?:(?!\*/)[^\r\n])*\*/[ \t]*(?=[\r\n]))")


@dataclass(frozen=True, slots=True)
class Insertion:
    """A text with something put in."""

    text: str
    fragment: str
    """Exactly what was put in, in one piece."""


def insert(text: str, members: Mapping[str, object], under: str) -> Insertion:
    """Add `members` to the object that the top-level key `under` names; it is made if missing.

    The caller makes sure that none of them is there. Raises NotJson, also when the text or what
    `under` names is no object.
    """
    root = read(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    if root is None:
        started = text.removeprefix("\ufeff")
        lead = newline if started and not started.endswith("\n") else ""
        pretty = _Style(newline, "  ").document(under, members)
        return Insertion(text + lead + pretty, lead + pretty)
    if not root.is_object:
        raise NotJson(text, root.start, "the file must hold an object")
    style = _Style.of(text, root, newline)
    there = root.find(under)
    if there is None:
        position, fragment = style.place(root, {under: dict(members)})
    elif not there.value.is_object:
        raise NotJson(text, there.value.start, f'"{under}" must be an object')
    else:
        position, fragment = style.place(there.value, members)
    return Insertion(text[:position] + fragment + text[position:], fragment)


def take_out(text: str, fragment: str, under: str) -> str:
    """The text without what `insert` put in, or without an item put into a list of `under`'s.

    Where it was reformatted or edited since, the members that still have our values go one by one,
    and our items out of lists; what has another value by now is the user's. Raises NotJson.
    """
    if text.count(fragment) == 1:
        rest = text.replace(fragment, "")
        if _is_json(rest) or not _is_json(text):
            return rest
    for name, value in members_of(fragment, under).items():
        there = _object_under(text, under)
        index = there.index(name) if there else None
        if there is not None and index is not None and there.members[index].value.same(value):
            text = _without(text, there, index)
        elif isinstance(value, list):
            text = _without_items(text, under, value, name)
    if (item := _item_of(fragment, under)) is not None:
        text = _without_items(text, under, [item])
    root = read(text)
    if root is not None and _made_object(fragment, under):
        index = root.index(under)
        if index is not None:
            holder = root.members[index].value
            if holder.is_object and not text[holder.start + 1 : holder.end - 1].strip():
                text = _without(text, root, index)
    return text


def value_text(text: str, under: str, name: str) -> str | None:
    """How a member of the object at the key `under` stands in the text; None when it does not.

    Raises NotJson.
    """
    there = _object_under(text, under)
    found = there.find(name) if there else None
    return text[found.value.start : found.value.end] if found else None


def put_value(text: str, under: str, name: str, old: str, new: str) -> str:
    """The text with one value for another, where the member has that value. Raises NotJson."""
    there = _object_under(text, under)
    found = there.find(name) if there else None
    if found is None or text[found.value.start : found.value.end] != old:
        return text
    return text[: found.value.start] + new + text[found.value.end :]


def members_of(fragment: str, under: str) -> dict[str, Any]:
    """The members that a fragment made by `insert` holds; none of an item of a list."""
    if _item_of(fragment, under) is not None:
        return {}
    found = _contents(fragment)
    inner = found.get(under)
    return inner if isinstance(inner, dict) else found


def has_part(text: str, fragment: str, under: str) -> bool:
    """Whether a member or an item that the fragment holds is there. Raises NotJson."""
    found = members_under(text, under)
    lists = {name: value for name, value in found.items() if isinstance(value, list)}
    if (item := _item_of(fragment, under)) is not None:
        return any(item in value for value in lists.values())
    return any(
        any(each in lists[name] for each in value)
        if isinstance(value, list) and name in lists
        else name in found
        for name, value in members_of(fragment, under).items()
    )


def members_under(text: str, under: str) -> dict[str, object]:
    """The members of the object at the top-level key `under`; none where there is none.

    Raises NotJson, also when `under` names no object.
    """
    there = _object_under(text, under)
    return {} if there is None else {member.name: member.value.value for member in there.members}


def is_empty(text: str) -> bool:
    """Whether the text holds nothing: blank, or an object without members and comments."""
    return re.fullmatch(r"\ufeff?\s*(?:\{\s*\}\s*)?", text) is not None


def is_strict(text: str) -> bool:
    """Whether any JSON reader takes it: no comments, no trailing commas."""
    try:
        json.loads(text.removeprefix("\ufeff") or "{}")
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Style:
    """How a text is laid out, as far as new members should look the same."""

    newline: str
    unit: str
    """One step of indentation."""
    text: str = ""
    is_one_line: bool = False

    @classmethod
    def of(cls, text: str, root: Node, newline: str) -> _Style:
        own = _line_indent(text, root.start)
        first = next((found for found in _indents(text, root) if len(found) > len(own)), "")
        unit = first.removeprefix(own) or "  "
        is_one_line = bool(root.members) and "\n" not in text[root.start : root.end]
        return cls(newline, unit, text, is_one_line)

    def document(self, under: str, members: Mapping[str, object]) -> str:
        return self._object({under: dict(members)}, "", ": ") + self.newline

    def place(self, node: Node, members: Mapping[str, object]) -> tuple[int, str]:
        """Where in the text the members go, and as what."""
        if not node.members:
            return self._place_in_empty(node, members)
        text, last = self.text, node.members[-1]
        indents = _indents(text, node)
        lead = self.newline + indents[0] if indents else self._gap(node)
        colon = self._colon(node)
        items = [self._member(name, value, indents, colon) for name, value in members.items()]
        if last.comma is not None:
            position = self._behind_comment(node, last.comma + 1, lead)
            return position, "".join(f"{lead}{item}," for item in items)
        if text[last.value.end : node.end - 1].strip(_SPACE):
            # A comment about the last member stays beside it: the new ones go in front of all.
            position = self._behind_comment(node, node.start + 1, lead)
            return position, "".join(f"{lead}{item}," for item in items)
        return last.value.end, "".join(f",{lead}{item}" for item in items)

    def _place_in_empty(self, node: Node, members: Mapping[str, object]) -> tuple[int, str]:
        if self.is_one_line:
            return node.start + 1, self._object(members, None, ": ")[1:-1]
        outer = _line_indent(self.text, node.start)
        pretty = self._object(members, outer, ": ")[1:-1]
        inside = self.text[node.start + 1 : node.end - 1]
        if "\n" in inside:
            pretty = pretty.removesuffix(self.newline + outer)
        return self._behind_comment(node, node.start + 1, self.newline), pretty

    def _member(self, name: str, value: object, indents: list[str], colon: str) -> str:
        if isinstance(value, dict):
            shown = self._object(value, indents[0] if indents else None, colon)
        else:
            shown = json.dumps(value, ensure_ascii=False)
        return json.dumps(name, ensure_ascii=False) + colon + shown

    def _object(self, members: Mapping[str, object], outer: str | None, colon: str) -> str:
        """The object; `outer` is the indentation of its line, None puts it on one line."""
        inner = [] if outer is None else [outer + self.unit]
        items = [self._member(name, value, inner, colon) for name, value in members.items()]
        if outer is None:
            return "{" + (", " if colon.endswith(" ") else ",").join(items) + "}"
        lines = ",".join(self.newline + inner[0] + item for item in items)
        return "{" + lines + self.newline + outer + "}"

    def _gap(self, node: Node) -> str:
        """What stands between a comma and the next member on one line."""
        if len(node.members) > 1 and node.members[0].comma is not None:
            between = self.text[node.members[0].comma + 1 : node.members[1].start]
            if not between.strip(" \t"):
                return between
        return " " if self._colon(node).endswith(" ") else ""

    def _colon(self, node: Node) -> str:
        first = node.members[0]
        between = self.text[first.name_end : first.value.start]
        return between if re.fullmatch(r"[ \t]*:[ \t]*", between) else ": "

    def _behind_comment(self, node: Node, position: int, lead: str) -> int:
        """`position`, or the end of a comment of the object's that ends the line there."""
        if "\n" not in lead:
            return position
        found = _COMMENT_AT_LINE_END.match(self.text, position, node.end - 1)
        return found.end() if found else position


def _without(text: str, node: Node, index: int) -> str:
    """The text without one member of the object `node`, its comma and the space before it."""
    member = node.members[index]
    start = len(text[: member.start].rstrip(_SPACE))
    before = node.members[index - 1] if index else None
    for begin in (start, member.start):  # the line break before it may end a comment
        if member.comma is not None:
            rest = text[:begin] + text[member.comma + 1 :]
        else:
            rest = text[:begin] + text[member.value.end :]
            if before is not None and before.comma is not None:
                rest = rest[: before.comma] + rest[before.comma + 1 :]
        if _is_json(rest):
            return rest
    raise NotJson(text, member.start, "it cannot be taken apart here")


def _object_under(text: str, under: str) -> Node | None:
    root = read(text)
    if root is None:
        return None
    if not root.is_object:
        raise NotJson(text, root.start, "the file must hold an object")
    there = root.find(under)
    if there is None:
        return None
    if not there.value.is_object:
        raise NotJson(text, there.value.start, f'"{under}" must be an object')
    return there.value


def _item_of(fragment: str, under: str) -> dict[str, Any] | None:
    """The object that a fragment puts into a list; None of a fragment of members."""
    is_object = fragment.strip(_SPACE + ",\ufeff").startswith("{")
    found = _contents(fragment) if is_object else {}
    return found if found and under not in found else None


def _without_items(text: str, under: str, items: list[Any], name: str | None = None) -> str:
    """The text without the items in the lists of the object `under`, or in that called `name`."""
    for item in items:
        there = _object_under(text, under)
        for member in reversed(there.members if there else ()):
            nodes = member.value.items
            index = next((i for i, node in enumerate(nodes) if node.same(item)), None)
            if index is None or name not in (None, member.name):
                continue
            if index + 1 < len(nodes):
                rest = text[: nodes[index].start] + text[nodes[index + 1].start :]
            else:
                begin = nodes[index - 1].end if index else nodes[index].start
                rest = text[:begin] + text[nodes[index].end :]
            if not _is_json(rest):
                raise NotJson(text, nodes[index].start, "it cannot be taken apart here")
            text = rest
    return text


def _contents(fragment: str) -> dict[str, Any]:
    bare = fragment.strip(_SPACE + ",")
    root = read(bare if bare.startswith("{") else "{" + bare + "}")
    value = root.value if root else {}
    return value if isinstance(value, dict) else {}


def _made_object(fragment: str, under: str) -> bool:
    return isinstance(_contents(fragment).get(under), dict)


def _is_json(text: str) -> bool:
    try:
        read(text)
    except NotJson:
        return False
    return True


def _indents(text: str, node: Node) -> list[str]:
    """Indentation of the members that begin a line, in order."""
    found = []
    for member in node.members:
        line_start = text.rfind("\n", 0, member.start) + 1
        before = text[line_start : member.start]
        if line_start and not before.strip(" \t"):
            found.append(before)
    return found


def _line_indent(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position].removeprefix("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]
