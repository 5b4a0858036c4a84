"""docker-compose.yml: valid, and no service has more than it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_analytics_collector.home import Home

from .files import (
    COLLECTOR_CONFIG,
    COMPOSE,
    DOCKERFILE,
    ROOT,
    compose,
    dockerfile_of,
    environment,
    last_stage,
    mounts,
    services,
    user_of,
)

HOME = Home(Path(environment(DOCKERFILE)["AGENT_ANALYTICS_HOME"]))
EXAMPLE = ROOT / ".env.example"
READERS = ("metabase", "grafana")
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")

each_service = pytest.mark.parametrize("name", services())


def test_the_file_is_valid_by_the_compose_specification() -> None:
    checked = subprocess.run(
        [
            sys.executable, "-m", "check_jsonschema",
            "--builtin-schema", "vendor.compose-spec", str(COMPOSE),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_services_name_is_there() -> None:
    for service in services().values():
        networks = set(service.get("networks", ()))
        assert networks <= compose()["networks"].keys()
        assert bool(networks) != ("network_mode" in service)
        for source, _ in mounts(service).items():
            assert source in compose()["volumes"] or (ROOT / source).is_file(), source
        assert set(service.get("depends_on", ())) <= services().keys()
        dockerfile = dockerfile_of(service)
        assert dockerfile is None or dockerfile.is_file(), dockerfile


def test_an_image_that_only_we_build_is_built_before_it_is_used_and_never_pulled() -> None:
    for service in services().values():
        if dockerfile_of(service) and "build" not in service:
            assert service["pull_policy"] == "never"
            assert any(services()[name]["image"] == service["image"]
                       for name in service["depends_on"])  # fmt: skip


def test_a_service_that_is_waited_for_can_say_that_it_is_well() -> None:
    for service in services().values():
        waited_for = service.get("depends_on", {})
        if isinstance(waited_for, dict):
            for name, how in waited_for.items():
                if how["condition"] == "service_healthy":
                    assert has_health_check(services()[name]), name
                else:
                    assert how["condition"] == "service_completed_successfully"
                    assert services()[name]["restart"] != "unless-stopped", name


@each_service
def test_a_service_is_no_root_and_writes_into_volumes_alone(name: str) -> None:
    service = services()[name]
    uid, _, gid = user_of(service).partition(":")
    assert int(uid) > 0
    assert gid.isdigit()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@each_service
def test_a_service_says_whether_it_is_well_or_has_a_neighbour_who_does(name: str) -> None:
    service = services()[name]
    if name == "otel-collector":  # nothing in its image could ask
        asked = " ".join(services()["otel-collector-health"]["healthcheck"]["test"])
        port = yaml.safe_load(COLLECTOR_CONFIG.read_text())["extensions"]["health_check"][
            "endpoint"
        ].rpartition(":")[2]
        assert f"http://otel-collector:{port}/" in asked
        assert set(services()["otel-collector-health"]["networks"]) & set(service["networks"])
    elif name in ("first-publish", "collector-key"):
        assert service["healthcheck"] == {"disable": True}
    else:
        assert has_health_check(service)


def test_ports_are_those_of_this_machine_alone() -> None:
    published = {name: service.get("ports", []) for name, service in services().items()}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert {name: [port.rpartition(":")[2] for port in ports] for name, ports in published.items()
            if ports} == {
        "otel-collector": ["4317", "4318"],
        "agent-analytics": ["8321"],
        "metabase": ["3000"],
        "grafana": ["3000"],
    }  # fmt: skip


def test_nobody_but_the_collector_reaches_the_otlp_ports_of_our_service() -> None:
    sharing = {
        name
        for name, service in services().items()
        if set(service.get("networks", ())) & set(services()["agent-analytics"]["networks"])
    }
    assert sharing == {"agent-analytics", "otel-collector", "otel-collector-health"}
    assert compose()["networks"]["ingest"] == {"internal": True}
    assert "api" not in services()["otel-collector"]["networks"]


def test_databases_have_no_way_out() -> None:
    assert services()["metabase-db"]["networks"] == ["metabase-db"]
    assert compose()["networks"]["metabase-db"] == {"internal": True}
    for name in ("first-publish", "collector-key"):
        assert services()[name]["network_mode"] == "none"


@pytest.mark.parametrize("name", READERS)
def test_a_reader_sees_the_marts_at_their_own_path_and_nothing_else_of_the_home(name: str) -> None:
    service = services()[name]
    assert mounts(service)["published"] == (str(HOME.published), False)
    assert "home" not in mounts(service)
    assert (
        user_of(service).partition(":")[0]
        == user_of(services()["agent-analytics"]).partition(":")[0]
    ), "marts are readable by their owner alone"


@pytest.mark.parametrize("name", ["agent-analytics", "first-publish"])
def test_what_we_keep_is_in_volumes(name: str) -> None:
    kept = mounts(services()[name])
    assert kept["home"] == (str(HOME.root), True)
    assert kept["published"] == (str(HOME.published), True)


def test_every_volume_takes_its_owner_from_a_folder_of_an_image_that_it_is_mounted_over() -> None:
    """Docker gives an empty volume owner and mode of that folder, else it is root's."""
    for name, service in services().items():
        uid = user_of(service).partition(":")[0]
        for source, (target, is_writable) in mounts(service).items():
            if is_writable and name != "metabase-db":
                assert any(
                    target in folders_of(dockerfile, uid)
                    for other in services().values()
                    if mounts(other).get(source) == (target, True)
                    and (dockerfile := dockerfile_of(other))
                ), (name, source)


def test_secrets_have_no_default_and_everything_else_has_one() -> None:
    text = re.sub(r"^\s*#.*$", "", COMPOSE.read_text(), flags=re.MULTILINE)
    for name, operator, default in VARIABLE.findall(text):
        if name.endswith("_PASSWORD"):
            assert operator == "?", name
            assert ".env" in default, "it says what to do"
        elif name.endswith("_SHA256"):
            assert (operator, default) == ("-", ""), "the Dockerfile refuses to build without it"
        else:
            assert operator == "-", name
            assert default, name


def test_the_example_has_every_variable_with_its_default_and_no_secret() -> None:
    example = dict(
        line.split("=", 1)
        for line in EXAMPLE.read_text().splitlines()
        if line and not line.startswith("#")
    )
    used = {name: default if operator == "-" else ""
            for name, operator, default in VARIABLE.findall(COMPOSE.read_text())}  # fmt: skip
    assert example == used
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".env", "agent-analytics.env"} <= set(ignored)


def test_the_password_is_the_same_where_it_is_kept_and_where_it_is_used() -> None:
    kept = services()["metabase-db"]["environment"]["POSTGRES_PASSWORD"]
    assert services()["metabase"]["environment"]["MB_DB_PASS"] == kept


@each_service
def test_an_image_of_somebody_elses_has_a_version(name: str) -> None:
    service = services()[name]
    if dockerfile_of(service) is None:
        assert service.get("pull_policy") != "never"
        image = VARIABLE.sub(lambda found: found[3], service["image"])
        assert re.search(r":\d", image), image


def has_health_check(service: dict[str, Any]) -> bool:
    dockerfile = dockerfile_of(service)
    if "healthcheck" in service:
        return "test" in service["healthcheck"]
    return dockerfile is not None and any(
        each.name == "HEALTHCHECK" for each in last_stage(dockerfile)
    )


def folders_of(dockerfile: Path, uid: str) -> list[str]:
    """Folders that the image makes for a user alone."""
    commands = " && ".join(each.text for each in last_stage(dockerfile) if each.name == "RUN")
    made = [each.split() for each in commands.split("&&") if "install --directory" in each]
    return [word for words in made for word in words if f"--owner {uid}" in " ".join(words)]
