"""`config show`: every setting and where it comes from."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent_analytics_cli.commands import config
from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import environment_name, setting_names


def shown(*arguments: str) -> dict[str, tuple[object, str]]:
    result = CliRunner().invoke(cli, ["config", "show", "--json", *arguments])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    return {row["setting"]: (row["value"], row["origin"]) for row in rows}


def test_every_setting_is_shown_after_the_home(home: Home) -> None:
    settings = shown()
    assert list(settings) == ["home", *setting_names()]
    assert settings["home"] == (str(home.root), "AGENT_ANALYTICS_HOME")
    assert settings["grpc_port"] == (4317, "default")
    assert settings["project_id"] == (None, "default")
    assert settings["allowed_hosts"] == ([], "default")


def test_the_home_of_a_user_who_named_none_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AGENT_ANALYTICS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert shown()["home"] == (str(tmp_path / ".agent-analytics"), "default")


def test_each_value_says_where_it_came_from(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config_file.write_text("grpc_port: 5317\nspool:\n  max_bytes: 9000000\n")
    monkeypatch.setenv(environment_name("grpc_port"), "6317")
    monkeypatch.setenv(environment_name("allowed_hosts"), "a.example, b.example")
    settings = shown()
    assert settings["grpc_port"] == (6317, "AGENT_ANALYTICS_GRPC_PORT")
    assert settings["spool.max_bytes"] == (9_000_000, str(home.config_file))
    assert settings["allowed_hosts"] == (
        ["a.example", "b.example"], "AGENT_ANALYTICS_ALLOWED_HOSTS",
    )  # fmt: skip


def test_the_table_and_csv_have_the_same_rows(home: Home) -> None:
    table = CliRunner().invoke(cli, ["config", "show"]).stdout.splitlines()
    printed = CliRunner().invoke(cli, ["config", "show", "--csv"]).stdout
    rows = list(csv.reader(io.StringIO(printed)))
    assert rows[0] == ["setting", "value", "origin"]
    assert table[0].split() == ["setting", "value", "from"]
    assert [line.split()[0] for line in table[2:]] == [row[0] for row in rows[1:]]
    assert ["transform.enabled", "true", "default"] in rows
    assert ["project_id", "", "default"] in rows
    assert ["project_id", "—", "default"] in [line.split() for line in table]


@pytest.mark.parametrize("name", ["api_key", "github.token", "a.client_secret", "db_password"])
def test_secrets_are_masked(name: str) -> None:
    assert config._mask(name, "hunter2") == "****"
    assert config._mask(name, None) is None
    assert config._mask("host", "127.0.0.1") == "127.0.0.1"
    assert config._mask("vendors.github.token_file", "github.token") == "github.token"


def test_a_setting_that_does_not_exist_is_trouble_with_the_nearest_name(home: Home) -> None:
    home.config_file.write_text("grcp_port: 1\n")
    result = CliRunner().invoke(cli, ["config", "show"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: grcp_port ({home.config_file}): there is no such setting; "
        "did you mean grpc_port?\n"
    )


@pytest.mark.parametrize("name", ["backend_url", "telemetry.endpoint"])
def test_a_url_with_a_password_is_refused_without_quoting_it(home: Home, name: str) -> None:
    variable = "AGENT_ANALYTICS_" + name.replace(".", "_").upper()
    result = CliRunner().invoke(cli, ["config", "show"], env={variable: "https://jo:pass@host"})
    assert result.exit_code == 1
    assert "api_key" in result.stderr
    assert "jo" not in result.stderr
    assert ":pass" not in result.stderr
