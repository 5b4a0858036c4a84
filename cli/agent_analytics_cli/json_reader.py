"""A JSON text read with the place of everything in it, so that it can be edited as text.

Comments (`//`, `/* */`) and trailing commas are accepted, as in editors' own settings files.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from agent_analytics_collector.errors import AgentAnalyticsError

MAX_DEPTH = 200

_BETWEEN = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"[-+.\w]+")


class NotJson(AgentAnalyticsError):
    """A text is not the JSON that was expected; `str()` says in which line and why."""

    def __init__(self, text: str, position: int, problem: str) -> None:
        self.line = text.count("\n", 0, position) + 1
        super().__init__(f"line {self.line}: {problem}")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place: text[start:end]."""

    start: int
    end: int
    value: Any
    """As `json.loads` gives it; of a repeated name the last value."""
    members: tuple[Member, ...] = ()
    """Of an object, in the order of the text."""
    items: tuple[Node, ...] = ()
    """Of a list."""

    @property
    def is_object(self) -> bool:
        return isinstance(self.value, dict)

    def index(self, name: str) -> int | None:
        """Place of the member among `members`; of a repeated name the last, which is in force."""
        found = [i for i, member in enumerate(self.members) if member.name == name]
        return found[-1] if found else None

    def find(self, name: str) -> Member | None:
        index = self.index(name)
        return None if index is None else self.members[index]

    def same(self, value: object) -> bool:
        """Whether this is that value; true is not 1."""
        return type(self.value) is type(value) and bool(self.value == value)


@dataclass(frozen=True, slots=True)
class Member:
    """A name and its value in an object."""

    name: str
    start: int
    """Of the name's opening quote."""
    name_end: int
    value: Node
    comma: int | None
    """Place of the comma behind the value; None when there is none."""


def read(text: str) -> Node | None:
    """The one value of the text; None when there is nothing but space and comments.

    Raises NotJson.
    """
    reader = _Reader(text)
    position = reader.skip(1 if text.startswith("\ufeff") else 0)
    if position == len(text):
        return None
    node = reader.value(position, 0)
    position = reader.skip(node.end)
    if position != len(text):
        raise NotJson(text, position, "something follows after the end")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def skip(self, position: int) -> int:
        """Past space and comments."""
        found = _BETWEEN.match(self._text, position)
        return found.end() if found else position

    def value(self, position: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self._fail(position, "too deeply nested")
        begins = self._text[position : position + 1]
        if begins == "{":
            return self._object(position, depth)
        if begins == "[":
            return self._array(position, depth)
        found = (_STRING if begins == '"' else _WORD).match(self._text, position)
        if found is None:
            self._fail(position, "a value is missing" if begins != '"' else "a string has no end")
        try:
            value = json.loads(found[0], parse_constant=lambda name: self._fail(position, name))
        except ValueError:
            self._fail(position, f"{found[0]!r} is no JSON value")
        return Node(position, found.end(), value)

    def _object(self, start: int, depth: int) -> Node:
        members: list[Member] = []
        position = self.skip(start + 1)
        while self._text[position : position + 1] != "}":
            if members and members[-1].comma is None:
                self._fail(position, "a comma or } is missing")
            name = _STRING.match(self._text, position)
            if name is None:
                self._fail(position, "a name in double quotes is missing")
            colon = self.skip(name.end())
            if self._text[colon : colon + 1] != ":":
                self._fail(colon, "a colon is missing")
            value = self.value(self.skip(colon + 1), depth + 1)
            comma = self.skip(value.end)
            has_comma = self._text[comma : comma + 1] == ","
            members.append(
                Member(self._name(name), position, name.end(), value, comma if has_comma else None)
            )
            position = self.skip(comma + 1) if has_comma else comma
        found = {member.name: member.value.value for member in members}
        return Node(start, position + 1, found, tuple(members))

    def _array(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        position, is_open = self.skip(start + 1), True
        while self._text[position : position + 1] != "]":
            if not is_open:
                self._fail(position, "a comma or ] is missing")
            item = self.value(position, depth + 1)
            items.append(item)
            position = self.skip(item.end)
            is_open = self._text[position : position + 1] == ","
            position = self.skip(position + 1) if is_open else position
        return Node(start, position + 1, [item.value for item in items], items=tuple(items))

    def _name(self, found: re.Match[str]) -> str:
        try:
            return str(json.loads(found[0]))
        except ValueError:
            self._fail(found.start(), f"{found[0]!r} is no JSON string")

    def _fail(self, position: int, problem: str) -> NoReturn:
        raise NotJson(self._text, position, problem)
