"""Members are put into a JSON text and taken out again; everything else stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_analytics_cli.json_reader import NotJson, read
from agent_analytics_cli.json_text import (
    insert,
    is_empty,
    is_strict,
    members_of,
    members_under,
    take_out,
)

OURS = {"OURS_A": "1", "OURS_B": "http://127.0.0.1:4317"}


def content(text: str) -> Any:
    node = read(text)
    return None if node is None else node.value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "env": {\n    "OURS_A": "1",\n    "OURS_B": "http://127.0.0.1:4317"\n  }\n}\n'),
        ("{}", '{\n  "env": {\n    "OURS_A": "1",\n    "OURS_B": "http://127.0.0.1:4317"\n  }\n}'),
        (
            '{\n\t"a": 1\n}',
            '{\n\t"a": 1,\n\t"env": {\n\t\t"OURS_A": "1",\n'
            '\t\t"OURS_B": "http://127.0.0.1:4317"\n\t}\n}',
        ),
        (
            '{"a":1,"env":{}}',
            '{"a":1,"env":{"OURS_A": "1", "OURS_B": "http://127.0.0.1:4317"}}',
        ),
        ('{"env":{"x":"y"}}', '{"env":{"x":"y","OURS_A":"1","OURS_B":"http://127.0.0.1:4317"}}'),
        (
            '{\r\n    "env": {\r\n        "x" : "y"\r\n    }\r\n}\r\n',
            '{\r\n    "env": {\r\n        "x" : "y",\r\n        "OURS_A" : "1",\r\n'
            '        "OURS_B" : "http://127.0.0.1:4317"\r\n    }\r\n}\r\n',
        ),
        (
            '{\n  "env": {\n    "x": "y", // why\n  },\n}\n',
            '{\n  "env": {\n    "x": "y", // why\n    "OURS_A": "1",\n'
            '    "OURS_B": "http://127.0.0.1:4317",\n  },\n}\n',
        ),
        (
            '{\n  "env": { // mine\n    "x": "y" // why\n  }\n}\n',
            '{\n  "env": { // mine\n    "OURS_A": "1",\n    "OURS_B": "http://127.0.0.1:4317",\n'
            '    "x": "y" // why\n  }\n}\n',
        ),
        (
            '{\n  "env": {\n    // none yet\n  }\n}\n',
            '{\n  "env": {\n    "OURS_A": "1",\n    "OURS_B": "http://127.0.0.1:4317"\n'
            "    // none yet\n  }\n}\n",
        ),
    ],
)  # fmt: skip
def test_members_are_put_in_in_the_style_of_the_text(before: str, after: str) -> None:
    made = insert(before, OURS, "env")
    assert made.text == after
    assert take_out(made.text, made.fragment, "env") == before
    assert members_under(made.text, "env").items() >= OURS.items()
    assert members_of(made.fragment, "env") == OURS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "a": 1,\n  b: 2\n}', "line 3: a name in double quotes is missing"),
        ('{"a": 1 "b": 2}', "line 1: a comma or } is missing"),
        ('{"a" 1}', "line 1: a colon is missing"),
        ('{"a": }', "line 1: a value is missing"),
        ('{"a": [1 2]}', "line 1: a comma or ] is missing"),
        ('{"a": "x', "line 1: a string has no end"),
        ('{"a": nul}', "line 1: 'nul' is no JSON value"),
        ('{"a": NaN}', "line 1: NaN"),
        ('{"a": 1', "line 1: a comma or } is missing"),
        ("{,}", "line 1: a name in double quotes is missing"),
        ("[,]", "line 1: a value is missing"),
        ("{}\n{}", "line 2: something follows after the end"),
        ("[1]", "line 1: the file must hold an object"),
        ('{\n"env": "x"}', 'line 2: "env" must be an object'),
        ('{"env": [' + "[" * 300, "line 1: too deeply nested"),
        ('{"a": 1 /* open }', "line 1: a comma or } is missing"),
    ],
)
def test_a_text_that_cannot_take_members_is_refused_with_the_line(text: str, said: str) -> None:
    with pytest.raises(NotJson) as refused:
        insert(text, OURS, "env")
    assert str(refused.value) == said


def edited(edit: Callable[[str], str], before: str = '{\n  "a": 1\n}\n') -> tuple[str, str]:
    """(text after our insertion and the user's edit, fragment)."""
    made = insert(before, OURS, "env")
    changed = edit(made.text)
    assert changed != made.text
    return changed, made.fragment


def test_what_the_user_adds_around_the_fragment_stays() -> None:
    text, fragment = edited(lambda text: text.replace('"a": 1', '"z": [1,\n 2], "a": 3'))
    assert take_out(text, fragment, "env") == '{\n  "z": [1,\n 2], "a": 3\n}\n'


def test_reformatted_members_are_taken_out_one_by_one() -> None:
    text, fragment = edited(lambda text: json.dumps(json.loads(text), indent=8))
    assert take_out(text, fragment, "env") == '{\n        "a": 1\n}'


def test_a_minified_text_loses_our_members_and_the_object_made_for_them() -> None:
    text, fragment = edited(
        lambda text: json.dumps(json.loads(text) | {"b": 2}, separators=(",", ":"))
    )
    assert take_out(text, fragment, "env") == '{"a":1,"b":2}'


def test_members_that_the_user_put_among_ours_stay() -> None:
    text, fragment = edited(
        lambda text: text.replace('"OURS_B"', '"MINE": "2", // mine\n    "OURS_B"')
    )
    assert take_out(text, fragment, "env") == (
        '{\n  "a": 1,\n  "env": {\n    "MINE": "2" // mine\n  }\n}\n'
    )


def test_a_member_whose_value_the_user_changed_stays() -> None:
    text, fragment = edited(lambda text: text.replace('"1"', '"0"'))
    assert take_out(text, fragment, "env") == (
        '{\n  "a": 1,\n  "env": {\n    "OURS_A": "0"\n  }\n}\n'
    )


def test_an_object_that_was_there_stays_when_it_is_empty_again() -> None:
    text, fragment = edited(
        lambda text: json.dumps(json.loads(text)), '{\n  "env": {\n    "x": "y"\n  }\n}\n'
    )
    without_x = text.replace('"x": "y", ', "")
    assert take_out(without_x, fragment, "env") == '{"env": {}}'


def test_a_member_after_a_line_comment_is_taken_out_without_joining_the_comment() -> None:
    text = '{"env": {"x": 1, // why\n"OURS_A": "1" }}'
    assert take_out(text, ', "OURS_A": "1"', "env") == '{"env": {"x": 1 // why\n }}'


def test_nothing_of_ours_left_changes_nothing() -> None:
    fragment = insert('{"a": 1}', OURS, "env").fragment
    for text in ('{"a": 1}', "", '{"env": {"OURS_A": true}}'):
        assert take_out(text, fragment, "env") == text


def test_a_copy_of_the_fragment_elsewhere_stays() -> None:
    made = insert('{"b": {"c": 1}, "env": {"c": 1}}', OURS, "env")
    copied = made.text.replace('{"b": {"c": 1}', '{"b": {"c": 1' + made.fragment + "}")
    assert take_out(copied, made.fragment, "env") == copied[: copied.index("env")] + (
        'env": {"c": 1}}'
    )


def test_broken_text_without_the_fragment_is_refused() -> None:
    fragment = insert('{"a": 1}', OURS, "env").fragment
    with pytest.raises(NotJson):
        take_out('{"env": {"OURS_A": "1"', fragment, "env")


def test_strict_and_empty_are_told_apart() -> None:
    assert is_strict("")
    assert is_strict('\ufeff{"a": 1}')
    assert not is_strict('{"a": 1,}')
    assert not is_strict('{"a": 1} // x')
    assert is_empty("")
    assert is_empty(" {\n}\n")
    assert not is_empty('{"a": 1}')
    assert not is_empty("{} // mine")


space = st.sampled_from(["", "", " ", "\n", "\n  ", "\t", "\r\n", "\r\n    "])
comment = st.sampled_from(
    ["", "", "", "", " // c\n", '/* , { " */', " /* a\n b */ ", "// OURS\r\n"]
)
between = st.tuples(space, comment, space).map("".join)
names = st.one_of(
    st.sampled_from(["a", "b", "OURS_A_", "\\", '"', "ключ", "{", "env2"]), st.text(max_size=4)
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A settings file of any content, laid out at random."""

    def show(value: Any) -> str:
        if isinstance(value, dict):
            items = [
                f"{gap()}{show(name)}{gap()}:{gap()}{show(item)}{gap()}"
                for name, item in value.items()
            ]
            return "{" + commas(items) + "}"
        if isinstance(value, list):
            return "[" + commas([f"{gap()}{show(item)}{gap()}" for item in value]) + "]"
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    def commas(items: list[str]) -> str:
        if not items:
            return gap()
        return ",".join(items) + draw(st.sampled_from(["", "," + gap()]))

    def gap() -> str:
        return draw(between)

    document = draw(st.dictionaries(names, values, max_size=3))
    if draw(st.booleans()):
        document["env"] = draw(st.dictionaries(names, leaves, max_size=3))
    pretty = draw(st.sampled_from([None, 1, 2, 4, "\t", "free"]))
    if pretty != "free":
        return json.dumps(document, indent=pretty) + draw(st.sampled_from(["", "\n"]))
    return draw(st.sampled_from(["", "\ufeff"])) + gap() + show(document) + gap()


@settings(max_examples=150, deadline=None)
@given(texts())
def test_putting_in_and_taking_out_restores_any_text(text: str) -> None:
    before = content(text)
    made = insert(text, OURS, "env")
    expected = before | {"env": before.get("env", {}) | OURS}
    assert content(made.text) == expected
    assert made.text.replace(made.fragment, "", 1) == text
    assert take_out(made.text, made.fragment, "env") == text
    if is_strict(text):
        assert json.loads(made.text.removeprefix("\ufeff")) == expected


@settings(max_examples=150, deadline=None)
@given(texts(), st.sampled_from([None, 2, "\t"]))
def test_our_members_go_even_when_the_text_was_laid_out_anew(
    text: str, indent: int | str | None
) -> None:
    before = content(text)
    made = insert(text, OURS, "env")
    anew = json.dumps(content(made.text) | {"later": 1}, indent=indent)
    assert json.loads(take_out(anew, made.fragment, "env")) == before | {"later": 1}


@settings(max_examples=150, deadline=None)
@given(texts())
def test_members_are_taken_out_of_any_layout_one_by_one(text: str) -> None:
    """The fragment of another text is never found as written, so every member goes by itself."""
    fragment = insert("{}", OURS, "env").fragment
    made = insert(text, OURS, "env")
    if made.fragment != fragment:
        left = content(take_out(made.text, fragment, "env"))
        before = content(text)
        assert left in (before, {name: value for name, value in before.items() if name != "env"})
