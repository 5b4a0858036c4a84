"""Secrets, cards and home folders are filtered; what carries meaning is not."""

from __future__ import annotations

import base64
import json
import random
import string
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_analytics_collector.scrub.columns import (
    JSON_COLUMNS,
    NAME_COLUMNS,
    TEXT_COLUMNS,
    UNTOUCHED,
    scrubbed_table,
)
from agent_analytics_collector.scrub.json_text import scrubbed_json
from agent_analytics_collector.scrub.names import SECRET_NAMES, is_secret, may_be_random
from agent_analytics_collector.scrub.text import FILTERED, scrubbed, without_home
from agent_analytics_collector.warehouse.batch import RawBatch
from agent_analytics_collector.warehouse.columns import REJECTED, TABLES, to_table
from tests.conftest import FIXTURES
from tests.dbt.warehouse import HASHER, recorded

_BASE62 = string.ascii_letters + string.digits
SECRETS = {
    "Anthropic": "sk-ant-api03-abcdefgh12345678",
    "OpenAI": "sk-proj-Abcdefgh1234567890xyz",
    "GitHub": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "GitHub, fine": "github_pat_11ABCDEFG0abcdefghijklmnop",
    "GitLab": "glpat-abcdefghijklmnop1234",
    "AWS id": "AKIAIOSFODNN7EXAMPLE",
    "AWS key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "Slack": "xoxb-123456789012-abcdefghij",
    "Google": "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "Stripe": "sk_live_abcdefghijklmnopqrstuv12",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    "PEM": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAA\n-----END RSA PRIVATE KEY-----",
    "PGP": "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----",
    "DeepSeek": "sk-0123456789abcdef0123456789abcdef",
    "Databricks": "dapi0123456789abcdef0123456789abcdef",
    "Sentry": "sntryu_0123456789abcdef0123456789abcdef",
    "Grafana": "glsa_0123456789abcdef0123456789abcdef_01234567",
    "Linear": "lin_api_abcdefghijklmnopqrstuvwxyz0123456789",
    "Vault": "hvs.abcdefghijklmnopqrstuvwx",
    "Telegram": "0123456789:AAabcdefghijklmnopqrstuvwxyzabcdefg",
    "Slack's hook": "hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX",
    "card": "4111 1111 1111 1111",
    "random": "Zk3Qw9Lp2Xv7Bn4Mt8Hs6Jd1Rf5Gc0Ya",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("around", ["{}", "use {} here", "x={}", '"{}"', "https://host/?q={}"])
def test_a_secret_of_a_known_shape_is_filtered_wherever_it_stands(secret: str, around: str) -> None:
    clean = scrubbed(around.format(secret))
    assert secret not in clean
    assert FILTERED in clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://ada:s3cret@git.example.com/x", f"https://{FILTERED}@git.example.com/x"),
        ("Authorization: Basic YWRhOnMzY3JldA==", f"Authorization: Basic {FILTERED}"),
        ("export DB_PASSWORD=hunter22", f"export DB_PASSWORD={FILTERED}"),
        ("api_key: 'abc123def'", f"api_key: '{FILTERED}'"),
        ("PGPASSWORD=hunter22 psql", f"PGPASSWORD={FILTERED} psql"),
        ("accessToken: abc123def", f"accessToken: {FILTERED}"),
        ("mysql --password hunter22 -u root", f"mysql --password {FILTERED} -u root"),
        ("Authorization: token abc123def456", f"Authorization: token {FILTERED}"),
        ("https://0123456789abcdef01234567@host/x", f"https://{FILTERED}@host/x"),
        ("postgres://ada:p@ss@db/x", f"postgres://{FILTERED}@db/x"),
    ],
)
def test_a_secret_is_known_by_what_stands_before_it(text: str, clean: str) -> None:
    assert scrubbed(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "req_ec0bde5d243d494bb6c9",
        "toolu_01ABcdEFghIJ23KLmnOPqrST",
        "7966650f151dc7e4b5ce0ec922e90def466ea8267509edb3e8d67c2fa78ea758",
        "01a20158-d0f8-73b1-a2c7-139ec5b0c813",
        "claude-sonnet-4-5-20250929",
        "src/SomeVeryLongCamelCaseFileName2Test.java",
        "Fix token: refresh it before it expires",
        "input_tokens=120 token_type=cacheRead",
        "git@github.com:acme/widgets.git",
        "https://ada@bitbucket.org/acme/widgets.git",
        "Give --token a default and --key-file too",
        "https://github.com/acme/widgets",
        "task-0123456789-abcdefghijklmnop",
        "1763800000000000000",
        "2026-11-22T03:42:15.626Z",
        "/srv/app/home/page.py",
        "/Users/Shared/tools",
    ],
)
def test_what_carries_meaning_stays(text: str) -> None:
    assert scrubbed(text) == text


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/home/ada/src/app.py", "~/src/app.py"),
        ("/Users/ada", "~"),
        ("/var/home/ada/x", "~/x"),
        ("/mnt/c/Users/ada/x", "~/x"),
        ("C:\\Users\\ada\\x", "~\\x"),
        ("C:/Users/ada/x", "~/x"),
        ("file:///home/ada/x", "file://~/x"),
        ("cd /home/ada/x && ls /home/bob", "cd ~/x && ls ~"),
        ("/home/ada/.claude/projects/-home-ada-app/a.jsonl", "~/.claude/projects/-~-app/a.jsonl"),
    ],
)
def test_a_home_folder_becomes_a_tilde_and_stays_one(path: str, clean: str) -> None:
    assert without_home(path) == clean
    assert without_home(clean) == clean


@pytest.mark.parametrize("name", ["github.token", "accessToken", "X-Api-Key", "MYSQL_PWD", "auth"])
def test_a_value_under_a_secret_name_is_filtered_whatever_it_looks_like(name: str) -> None:
    for value in ("open sesame", ["a", "b"], {"inner": "c"}):
        assert json.loads(scrubbed_json(json.dumps({name: value}))) == {name: FILTERED}


def test_counts_and_switches_under_secret_names_stay_but_no_pin() -> None:
    attributes = {"token": 120, "auth": True, "password": None, "token_type": "input"}
    assert json.loads(scrubbed_json(json.dumps(attributes))) == attributes
    assert json.loads(scrubbed_json('{"password":1234}')) == {"password": FILTERED}


def test_an_id_may_look_random_and_a_value_may_not() -> None:
    found = json.loads(
        scrubbed_json(json.dumps({"thread.id": SECRETS["random"], "note": SECRETS["random"]}))
    )
    assert found == {"thread.id": SECRETS["random"], "note": FILTERED}
    assert may_be_random("gen_ai.response.id")
    assert not is_secret("input_tokens")


def test_most_random_words_are_known_as_such() -> None:
    generator = random.Random(7)
    words = ["".join(generator.choices(_BASE62, k=size)) for size in (32, 40) for _ in range(500)]
    words += [base64.b64encode(generator.randbytes(30)).decode() for _ in range(500)]
    assert sum(scrubbed(word) == word for word in words) / len(words) < 0.03


def test_every_text_column_of_the_raw_tables_is_scrubbed_or_is_said_not_to_be() -> None:
    known = JSON_COLUMNS | TEXT_COLUMNS | NAME_COLUMNS | UNTOUCHED
    for schema in (*TABLES.values(), REJECTED):
        texts = {field.name for field in schema if pa.types.is_string(field.type)}
        assert texts <= known, texts - known


_TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(sorted(SECRETS.values())),
    st.from_regex(r"(/home/|/Users/|C:\\Users\\)[a-z]{1,8}/[a-z.]{0,9}", fullmatch=True),
    st.from_regex(r"[a-z_]{0,9}(password|token|api_key)\s?[=:]\s?[a-z0-9]{0,12}", fullmatch=True),
    st.text(alphabet=_BASE62 + "+/_-", min_size=24, max_size=60),
    st.from_regex(r"[3-6][0-9 -]{12,20}", fullmatch=True),
)
_NAMES = st.one_of(st.sampled_from(SECRET_NAMES), st.sampled_from(["user.id", "note", "x-Token"]))
_VALUES = st.recursive(
    st.one_of(_TEXTS, st.integers(-(2**31), 2**31), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(_NAMES, _TEXTS), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(st.lists(_VALUES, min_size=1, max_size=4))
def test_one_look_at_a_column_misses_nothing_that_a_look_at_each_value_finds(
    values: list[object],
) -> None:
    encoded = [orjson.dumps({"attribute": value}).decode() for value in values]
    table = scrubbed_table(pa.table({"attributes": encoded}))
    assert table["attributes"].to_pylist() == [scrubbed_json(one) for one in encoded]


@settings(deadline=None, max_examples=150)
@given(st.lists(_TEXTS, min_size=1, max_size=4))
def test_the_same_is_so_of_plain_texts(texts: list[str]) -> None:
    table = scrubbed_table(pa.table({"body": texts, "path": texts, "session_id": texts}))
    assert table["body"].to_pylist() == [scrubbed(text) for text in texts]
    assert table["path"].to_pylist() == [scrubbed(text, random=False) for text in texts]
    assert table["session_id"].to_pylist() == texts


@settings(deadline=None, max_examples=150)
@given(_TEXTS)
def test_what_is_scrubbed_stays_as_it_is(text: str) -> None:
    assert scrubbed(scrubbed(text)) == scrubbed(text)


@pytest.mark.parametrize("agent", ["claude", "codex", "gemini", "copilot"])
def test_of_real_recordings_only_home_folders_change(
    agent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = RawBatch(hasher=HASHER)
    for scenario in sorted(Path(FIXTURES / agent).iterdir()):
        for envelope in recorded(scenario):
            batch.add(envelope)
    plain = {name: to_table(TABLES[name], rows) for name, rows in batch._rows.items() if rows}
    for name, table in batch.tables().items():
        for column in table.column_names:
            for before, after in zip(
                plain[name][column].to_pylist(), table[column].to_pylist(), strict=True
            ):
                assert after == (without_home(before) if isinstance(before, str) else before)


@pytest.mark.parametrize(
    "part",
    [
        "sk-",
        "-eyJ",
        "-eyJa.eyJ",
        "SG.",
        "://",
        "token=",
        "--key ",
        "--a-",
        "a_",
        "://a:",
        "4 ",
        "/home/",
        "-----BEGIN ",
    ],
)
def test_a_million_characters_that_begin_like_secrets_are_looked_at_once(part: str) -> None:
    """Were the time their square, this would take an hour."""
    text = part * (1_000_000 // len(part))
    assert len(scrubbed(text)) <= len(text)
