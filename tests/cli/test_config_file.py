"""config.yaml: written with comments, changed in place, read by the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_analytics_cli.changes import ChangeRefused, apply
from agent_analytics_cli.config_file import plan_config
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings, setting_names

VALUES: dict[str, Any] = {
    "api_key": "aa_prod_'\"\\: #é",
    "backend_url": "https://api.example.com",
    "enabled_agents": ("claude_code",),
    "developer_id": "no",
    "project_id": None,
    "telemetry.endpoint": "https://otel.example.com:4317",
    "grpc_port": 5317,
}
OF_THE_SPECIFICATION = {
    "api_key", "backend_url", "enabled_agents", "developer_id", "project_id",
    "telemetry.export_interval", "telemetry.include_prompts", "git.track_commits",
    "git.correlation_window",
}  # fmt: skip


def loaded(home: Home) -> dict[str, tuple[Any, str]]:
    return {name: (value, origin) for name, value, origin in load_settings(home).rows()}


def test_a_new_file_has_the_keys_of_the_specification_each_with_a_comment(home: Home) -> None:
    apply(plan_config(home.config_file, VALUES))
    found = loaded(home)
    from_file = {name for name, (_, origin) in found.items() if origin == str(home.config_file)}
    assert from_file == OF_THE_SPECIFICATION | set(VALUES) | {"schema_version"}
    assert {name: found[name][0] for name in VALUES} == VALUES
    assert found["telemetry.export_interval"][0] == 60
    assert found["telemetry.include_prompts"][0] is False
    assert home.config_file.stat().st_mode & 0o777 == 0o600
    lines = home.config_file.read_text().splitlines()
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(("#", "-")) and not line.endswith(("telemetry:", "git:")):
            assert lines[number - 1].lstrip().startswith("# "), line


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# mine\ngrpc_port:   4317   # why\nspool: {max_bytes: 9000000}\n\n"
            "developer_id: 'me'\n",
            "# mine\ngrpc_port:   5317   # why\nspool: {max_bytes: 9000000}\n\n"
            'developer_id: "no"\n',
        ),
        (
            "developer_id:\nenabled_agents:\n- claude_code\n- other # why\n\n# end\n",
            'developer_id: "no"\nenabled_agents: ["claude_code"] # why\n\n# end\n',
        ),
        (
            "telemetry:\n    include_prompts: true # yes\n\n# git\ngit:\n  track_commits: true",
            "telemetry:\n    include_prompts: true # yes\n"
            '    endpoint: "https://otel.example.com:4317"\n\n# git\ngit:\n  track_commits: true',
        ),
        ("telemetry:\ngrpc_port: 1\n",
         'telemetry:\n  endpoint: "https://otel.example.com:4317"\ngrpc_port: 5317\n'),
    ],
)  # fmt: skip
def test_only_changed_values_change_in_a_file_that_is_there(
    home: Home, before: str, after: str
) -> None:
    home.config_file.write_text(before)
    mentioned = [name for name in VALUES if name.rpartition(".")[2] in after]
    change = plan_config(home.config_file, {name: VALUES[name] for name in mentioned})
    assert change.after == after.encode()
    apply(change)
    found = loaded(home)
    assert {name: found[name][0] for name in mentioned} == {n: VALUES[n] for n in mentioned}
    assert not plan_config(home.config_file, {name: VALUES[name] for name in mentioned}).is_change


@pytest.mark.parametrize(
    "before", ["", "# only a comment", "grpc_port: 1", "---\r\nhost: ::1\r\n", "git:\n  {}\n",
               "telemetry:\n  export_interval: 5\ngrpc_port: 4317\n"]
)  # fmt: skip
def test_missing_settings_are_added_to_any_file(home: Home, before: str) -> None:
    home.config_file.write_text(before, newline="")
    old = yaml.safe_load(before) or {}
    change = plan_config(home.config_file, VALUES)
    assert change.after is not None
    apply(change)
    found = loaded(home)
    assert {name: found[name][0] for name in VALUES} == VALUES
    new = yaml.safe_load(change.after)
    assert {name: new[name] for name in old if name not in ("grpc_port", "telemetry")} == {
        name: old[name] for name in old if name not in ("grpc_port", "telemetry")
    }
    assert (b"\r\n" in change.after) == ("\r\n" in before)
    assert change.after.count(b"\r\n") in (0, change.after.count(b"\n"))


def test_defaults_are_not_written_into_a_file_that_is_there(home: Home) -> None:
    home.config_file.write_text("host: 127.0.0.1\n")
    defaults = {name: value for name, (value, _) in loaded(home).items()}
    assert set(defaults) == set(setting_names())
    few = {name: defaults[name] for name in ("api_key", "project_id", "enabled_agents")}
    assert not plan_config(home.config_file, few).is_change


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("grpc_port: &port 4317\nhttp_port: *port\n", "only you can edit; set grpc_port, api_port"),
        ("{grpc_port: 1}\n", "only you can edit; set grpc_port, api_port"),
        ("grpc_port: 4317\n...\n", "only you can edit; set grpc_port, api_port"),
        ("a: [\n", "it is not YAML"),
    ],
)
def test_what_cannot_be_edited_safely_is_left_to_the_person(
    home: Home, before: str, said: str
) -> None:
    home.config_file.write_text(before)
    with pytest.raises(ChangeRefused, match=said):
        plan_config(home.config_file, {"grpc_port": 5317, "api_port": 1})


def test_a_link_is_refused(home: Home, tmp_path: Path) -> None:
    home.config_file.symlink_to(tmp_path / "dotfiles.yaml")
    with pytest.raises(ChangeRefused, match="it is a link to"):
        plan_config(home.config_file, VALUES)
