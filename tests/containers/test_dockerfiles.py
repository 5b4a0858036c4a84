"""The image recipes: linted, and what can run without Docker runs as the image would run it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

import pytest

from agent_analytics_collector.home import Home
from agent_analytics_collector.ports import bind
from agent_analytics_collector.settings import Settings, environment_name

from .files import (
    DOCKERFILE,
    ROOT,
    environment,
    health_command,
    instructions,
    last,
    mounts,
    services,
)

DOCKERFILES = [DOCKERFILE, *sorted((ROOT / "docker").glob("*/Dockerfile"))]
PORTS = ("grpc_port", "http_port", "api_port")
START_S = 60.0
STOP_S = 30.0


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint_finds_nothing(path: Path) -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), path], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (linted.returncode, linted.stdout) == (0, "")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_image_ends_as_a_user_by_number_with_a_health_check(path: Path) -> None:
    assert re.fullmatch(r"[1-9]\d*:\d+", last(path, "USER").text)
    assert health_command(path)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_downloaded_has_a_checksum_that_somebody_gave(path: Path) -> None:
    given = {
        each.text for each in instructions(path) if each.name == "ARG" and "=" not in each.text
    }
    text = " ".join(each.text for each in instructions(path))
    for each in instructions(path):
        if each.name == "ADD" and "://" in each.text:
            named = re.search(r"--checksum=sha256:\$\{?(\w+)", each.text)
            file = each.words[-1]
            checked = named or re.search(rf"\$\{{(\w+_SHA256)\}}\"\s+{re.escape(file)}\b", text)
            assert checked, each.text
            assert named or "sha256sum --check --strict" in text
            assert checked[1] in given, "a checksum has no default: nobody here could check it"
        assert not (each.name == "RUN" and re.search(r"\b(curl|wget)\b.*https?:", each.text))


def test_the_image_listens_where_compose_and_the_health_check_look() -> None:
    defaults = Settings()
    exposed = {int(port) for port in last(DOCKERFILE, "EXPOSE").words}
    assert exposed == {defaults.grpc_port, defaults.http_port, defaults.api_port}
    assert f"127.0.0.1:{defaults.api_port}/healthz" in " ".join(health_command(DOCKERFILE))


def test_the_image_has_the_folders_of_its_volumes_for_its_user_alone() -> None:
    home = Home(Path(environment(DOCKERFILE)["AGENT_ANALYTICS_HOME"]))
    made = next(
        each.text for each in instructions(DOCKERFILE) if "install --directory" in each.text
    )
    words = made.partition("install --directory")[2].split()
    uid, _, gid = last(DOCKERFILE, "USER").text.partition(":")
    assert words[:6] == ["--owner", uid, "--group", gid, "--mode", "0700"]
    assert {str(home.root), str(home.data), str(home.published)} <= set(words)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the image's own command builds from exactly what it copies."""
    context = tmp_path_factory.mktemp("context")
    for each in build_stage("COPY"):
        *sources, target = each
        for source in sources:
            place = context / target / Path(source).name if target == "./" else context / target
            copy(ROOT / source, place)
    (command,) = (words for words in build_stage("RUN") if "wheel" in words)
    dist = tmp_path_factory.mktemp("dist")
    words = [str(dist) if word == "/dist" else word for word in command]
    assert words[:4] == ["python", "-m", "pip", "wheel"]
    if find_spec("hatchling"):
        words.insert(4, "--no-build-isolation")
    subprocess.run([sys.executable, *words[1:]], cwd=context, check=True, capture_output=True)
    (built,) = dist.glob("*.whl")
    return built


def test_everything_that_belongs_into_the_wheel_is_copied_into_the_build(wheel: Path) -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for target in build["targets"]["wheel"]["force-include"].values():
        assert any(name == target or name.startswith(f"{target}/") for name in names), target
    for package in build["targets"]["wheel"]["packages"]:
        assert f"{Path(package).name}/__init__.py" in names
    assert not [name for name in names if name.endswith((".pyc", ".duckdb"))]


@pytest.mark.slow
def test_the_images_command_serves_until_it_is_told_to_stop(
    wheel: Path, tmp_path: Path, home: Home
) -> None:
    """From the wheel alone; the health check says no before, yes while it runs, and no after.

    With nothing but the image it is not started: its address is reached by others.
    """
    site = tmp_path / "site"
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site),
            str(wheel),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    variables = as_in_the_image(site, home, free_ports())
    entrypoint, arguments = last(DOCKERFILE, "ENTRYPOINT").words, last(DOCKERFILE, "CMD").words
    assert entrypoint == ["agent-analytics"]
    assert is_healthy(variables) is False
    program = str(site / "bin" / "agent-analytics")
    refused = subprocess.run(
        [program, *arguments], env=variables, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "keys create" in refused.stderr
    assert "tls.behind_proxy" in refused.stderr
    told = services()["agent-analytics"]["environment"]
    variables |= {name: told[name] for name in told if name.startswith("AGENT_ANALYTICS_TLS_")}
    make_collector_key(variables, site, tmp_path / "keys")
    with subprocess.Popen(
        [program, *arguments],
        env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home.root,
    ) as process:  # fmt: skip
        try:
            deadline = time.monotonic() + START_S
            while not is_healthy(variables):
                assert process.poll() is None, process.stdout and process.stdout.read()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=STOP_S)
        finally:
            process.kill()
    assert process.returncode == 0, output
    assert "Nothing has been received yet" in output, "the demo is not for a server"
    assert is_healthy(variables) is False
    assert Home(home.root).token.stat().st_mode & 0o777 == 0o600


def make_collector_key(variables: Mapping[str, str], site: Path, folder: Path) -> None:
    """As the compose file's service does, twice: a key that is there is kept."""
    service = services()["collector-key"]
    folder.mkdir()
    (command,) = service["command"]
    target, _ = mounts(service)["collector-key"]
    command = command.replace("$$", "$").replace(target, str(folder))
    environment = {**variables, "PATH": f"{site / 'bin'}:{variables['PATH']}"}
    made = set()
    for _ in range(2):
        subprocess.run([*service["entrypoint"], command], env=environment, check=True)
        made.add((folder / "collector.key").read_text())
    assert len(made) == 1
    assert [file.name for file in folder.iterdir()] == ["collector.key"]
    assert (folder / "collector.key").stat().st_mode & 0o777 == 0o600


def build_stage(name: str) -> Iterator[list[str]]:
    """Arguments of the instructions of that name in the first stage."""
    stages = 0
    for each in instructions(DOCKERFILE):
        stages += each.name == "FROM"
        if stages == 1 and each.name == name:
            yield each.words


def copy(source: Path, target: Path) -> None:
    """As a builder does that was sent what .dockerignore lets through."""
    relative = str(source.relative_to(ROOT))
    assert allowed(relative), f".dockerignore keeps {relative} out"
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        return

    def ignored(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(ROOT)
        return {name for name in names if not allowed(str(inside / name))}

    shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)


def allowed(path: str) -> bool:
    """Whether .dockerignore lets a path through: the last line that fits it or a parent decides."""
    verdict = True
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    for line in (line for line in lines if line and not line.startswith("#")):
        pattern = line.removeprefix("!")
        parts = Path(path).parts
        parents = ["/".join(parts[: length + 1]) for length in range(len(parts))]
        if pattern.startswith("**/"):
            fits = any(fnmatch(part, pattern[3:]) for part in parts)
        else:
            fits = any(
                fnmatch(each, pattern) for each in parents if pattern != "*" or "/" not in each
            )
        if fits:
            verdict = line.startswith("!")
    return verdict


def as_in_the_image(site: Path, home: Home, ports: Mapping[str, int]) -> dict[str, str]:
    """The image's environment, its folders moved here and its ports to free ones."""
    moved = {
        name: value.replace("/var/lib/agent-analytics", str(home.root)).replace(
            "/opt/agent-analytics", str(site)
        )
        for name, value in environment(DOCKERFILE).items()
    }
    assert moved["AGENT_ANALYTICS_HOME"] == moved["HOME"] == str(home.root)
    path = moved.pop("PATH").replace("$PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    settings = {environment_name(name): str(port) for name, port in ports.items()}
    return {**moved, **settings, "PATH": path, "PYTHONPATH": str(site), "TZ": "UTC"}


def free_ports() -> dict[str, int]:
    listeners = {name: bind(name, name, "127.0.0.1", 0) for name in PORTS}
    found = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    for listener in listeners.values():
        listener.close()
    return found


def is_healthy(variables: Mapping[str, str]) -> bool:
    """What the image's health check finds."""
    api = variables[environment_name("api_port")]
    command = [word.replace(":8321/", f":{api}/") for word in health_command(DOCKERFILE)]
    return not subprocess.run(command, env=variables, capture_output=True, check=False).returncode
