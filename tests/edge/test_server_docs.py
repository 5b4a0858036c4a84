"""docs/server.md: its configuration is taken, its commands and figures are those there are."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from agent_analytics_cli.main import COMMANDS, cli
from agent_analytics_collector.api.app import MOST_BODY_BYTES
from agent_analytics_collector.api.intake import MOST_RECORDS
from agent_analytics_collector.edge.http_server import MOST_HEADER_BYTES
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.grpc import CONNECTION_AGE_S, MOST_STREAMS
from agent_analytics_collector.settings import Settings, load_settings, setting_names

TEXT = (Path(__file__).parents[2] / "docs" / "server.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", [each for each in blocks("yaml") if "scrape" not in each])
def test_configuration_is_taken_as_it_stands(block: str, home: Home) -> None:
    home.config_file.write_text(block)
    settings = load_settings(home).settings
    assert settings.allowed_hosts == ("telemetry.example.com",)
    assert settings.tls.behind_proxy or settings.tls.certificate


def test_prometheus_asks_for_the_job_that_the_alerts_name() -> None:
    (block,) = (each for each in blocks("yaml") if "scrape" in each)
    (job,) = yaml.safe_load(block)["scrape_configs"]
    alerts = (Path(__file__).parents[2] / "docs" / "prometheus_alerts.yml").read_text()
    assert f'job="{job["job_name"]}"' in alerts
    assert job["static_configs"][0]["targets"][0].endswith(f":{Settings().api_port}")


def commands() -> list[list[str]]:
    """Arguments of every call of ours in the page."""
    calls = []
    for block in (*blocks("console"), *blocks("cron"), *blocks("ini")):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.findall(r"agent-analytics((?: (?!&&|agent-analytics)[^\s>#]+)+)", line):
                words = shlex.split(part)
                if words[0] in COMMANDS:
                    calls.append(words)
    return calls


def test_every_command_and_option_is_there() -> None:
    called = commands()
    assert {words[0] for words in called} >= {"keys", "up", "backup", "doctor"}
    for words in called:
        path = words[:2] if len(words) > 1 and words[0] in ("keys", "backup") else words[:1]
        shown = CliRunner().invoke(cli, [*path, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, words
        for option in (word for word in words if word.startswith("--")):
            assert option in shown.output, words


def test_settings_and_defaults_in_the_table_are_those_in_force() -> None:
    rows = re.findall(r"^\|(.*)\|$", TEXT, flags=re.MULTILINE)
    limits = " ".join(row for row in rows if "`limits." in row or "`otlp." in row)
    named = set(re.findall(r"`((?:limits|otlp)\.\w+)`", limits))
    assert named == {name for name in setting_names() if name.startswith(("limits.", "otlp."))}
    default = Settings()
    for figure in (
        f"{default.otlp.max_request_bytes >> 20} MiB",
        f"{default.limits.request_timeout_s} s |",
        f"| {default.limits.connections:,} |",
        f"| {default.limits.requests_per_minute} |",
        f"{default.limits.otlp_bytes_per_minute >> 20} MiB, "
        f"{default.limits.otlp_records_per_minute:,} |",
        f"{MOST_BODY_BYTES >> 20} MiB, {MOST_RECORDS:,} records",
        f"{MOST_HEADER_BYTES >> 10} KiB",
        f"{MOST_STREAMS} at once",
    ):
        assert figure in TEXT, figure
    assert CONNECTION_AGE_S == 600
    assert "ten minutes" in TEXT


def test_every_metric_in_the_table_is_in_an_alert_or_shown() -> None:
    shown = "".join(
        (Path(__file__).parents[2] / "collector/agent_analytics_collector/edge" / name).read_text()
        for name in ("metrics.py", "measurements.py")
    )
    table = TEXT.split("| metric (`agent_analytics_…`)")[1].split("\n\n")[0]
    names = [name for name in re.findall(r"`([a-z]\w+)`", table) if "_" in name]
    assert len(names) > 15
    for name in names:
        assert f'{name.removesuffix("_total")}"' in shown, name


def test_the_unit_starts_what_is_there() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # keep its capitals
    (block,) = blocks("ini")
    unit.read_string(block)
    service = unit["Service"]
    assert service["Environment"].split() == [
        "AGENT_ANALYTICS_HOME=/var/lib/agent-analytics", "GRPC_VERBOSITY=ERROR",
    ]  # fmt: skip
    assert int(service["LimitNOFILE"]) >= 3 * Settings().limits.connections
    assert service["UMask"] == "0077"
