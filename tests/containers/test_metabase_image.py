"""The commands of Metabase's image, run here: what asks for checksums, start, health check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.metabase import DRIVER_VERSION, METABASE_VERSION

from .files import ROOT, environment, health_command, instructions, last

DOCKERFILE = ROOT / "docker" / "metabase" / "Dockerfile"
DRIVER = "duckdb.metabase-driver.jar"


def run(
    command: str | list[str], folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", command] if isinstance(command, str) else command
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=20,
        env={"PATH": os.environ["PATH"], **variables},
    )  # fmt: skip


SUMS = ("METABASE_JAR_SHA256", "METABASE_DRIVER_SHA256")


def test_it_builds_the_versions_that_the_provisioner_knows() -> None:
    arguments = dict(
        each.text.split("=") for each in instructions(DOCKERFILE)
        if each.name == "ARG" and "=" in each.text
    )  # fmt: skip
    assert arguments == {
        "METABASE_VERSION": METABASE_VERSION, "METABASE_DRIVER_VERSION": DRIVER_VERSION,
    }  # fmt: skip


@pytest.mark.parametrize("missing", SUMS)
def test_without_a_checksum_the_build_stops_before_any_download(
    tmp_path: Path, missing: str
) -> None:
    names = [each.name for each in instructions(DOCKERFILE)]
    check = instructions(DOCKERFILE)[names.index("RUN")]
    assert names.index("RUN") < names.index("ADD")
    given = dict.fromkeys(SUMS, "0" * 64)
    assert run(check.text, tmp_path, **given).returncode == 0
    done = run(check.text, tmp_path, **given | {missing: ""})
    assert done.returncode != 0
    assert f"{missing}: is the SHA-256 of" in done.stderr


def test_it_starts_java_with_the_driver_of_this_image_in_place(tmp_path: Path) -> None:
    program, data, bin_ = (tmp_path / name for name in ("program", "data", "bin"))
    for folder in (program, data / "plugins", data / "tmp", bin_):
        folder.mkdir(parents=True)
    (data / "plugins" / DRIVER).write_text("of an older image")
    (data / "plugins" / DRIVER).chmod(0o444)
    (data / "plugins" / "mine.jar").write_text("a driver of the user's own")
    (data / "tmp" / "left_over.so").write_text("")
    (program / DRIVER).write_text("of this image")
    shutil.copy(DOCKERFILE.with_name("start.sh"), program / "start.sh")
    (bin_ / "java").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (bin_ / "java").chmod(0o755)
    done = run(
        [str(program / "start.sh")], tmp_path, PATH=f"{bin_}:{os.environ['PATH']}",
        METABASE_DATA=str(data), MB_PLUGINS_DIR=str(data / "plugins"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (data / "plugins" / DRIVER).read_text() == "of this image"
    assert (data / "plugins" / "mine.jar").exists()
    assert list((data / "tmp").iterdir()) == []
    arguments = done.stdout.splitlines()
    assert arguments[-2:] == ["-jar", str(program / "metabase.jar")]
    assert f"-Djava.io.tmpdir={data / 'tmp'}" in arguments


def test_what_it_writes_is_in_its_volume() -> None:
    variables = environment(DOCKERFILE)
    volume = last(DOCKERFILE, "VOLUME").text
    assert variables["METABASE_DATA"] == volume
    assert Path(variables["MB_PLUGINS_DIR"]).parent == Path(volume)
    assert last(DOCKERFILE, "CMD").words == ["/opt/metabase/start.sh"]


@pytest.mark.parametrize(
    ("status", "body", "healthy"),
    [(200, {"status": "ok"}, True), (503, {"status": "initializing", "progress": 0.6}, False)],
)
def test_it_is_healthy_when_metabase_says_so(
    tmp_path: Path, status: int, body: Any, healthy: bool
) -> None:
    with metabase_that_says(status, body) as port:
        done = run(health_command(DOCKERFILE), tmp_path, MB_JETTY_PORT=str(port))
    assert (done.returncode == 0) is healthy, done.stderr
    assert run(health_command(DOCKERFILE), tmp_path, MB_JETTY_PORT=str(port)).returncode != 0


@contextmanager
def metabase_that_says(status: int, body: Any) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/api/health"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body, separators=(",", ":")).encode())

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
