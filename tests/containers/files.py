"""What the container files say: Dockerfiles as instructions, the compose file as Docker does."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "docker-compose.yml"
COLLECTOR_CONFIG = ROOT / "otel-collector-config.yaml"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile, its lines joined and comments left out."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments, also of the JSON form."""
        words = json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)
        return [str(word) for word in words]


def instructions(path: Path) -> list[Instruction]:
    """All instructions of a Dockerfile, in order."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    split = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [Instruction(name.upper(), text) for name, text in split]


def last_stage(path: Path) -> list[Instruction]:
    """The instructions of the stage that becomes the image."""
    found = instructions(path)
    starts = [number for number, each in enumerate(found) if each.name == "FROM"]
    return found[starts[-1] :]


def last(path: Path, name: str) -> Instruction:
    """The last instruction of that name in the image's stage."""
    return [each for each in last_stage(path) if each.name == name][-1]


def environment(path: Path) -> dict[str, str]:
    """The variables that the image sets."""
    pairs = [
        pair for each in last_stage(path) if each.name == "ENV" for pair in shlex.split(each.text)
    ]
    return dict(pair.split("=", 1) for pair in pairs)


def health_command(path: Path) -> list[str]:
    """The command of the image's HEALTHCHECK."""
    return Instruction("CMD", last(path, "HEALTHCHECK").text.partition(" CMD ")[2]).words


@cache
def compose() -> dict[str, Any]:
    """The compose file, anchors and merges followed, variables as they are written."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return read


def services() -> dict[str, dict[str, Any]]:
    """The compose file's services by name."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def dockerfile_of(service: dict[str, Any]) -> Path | None:
    """The Dockerfile of a service's image; None for an image of somebody else's."""
    builds = [each["build"] for each in services().values()
              if "build" in each and each["image"] == service["image"]]  # fmt: skip
    if not builds:
        return None
    (build,) = builds  # two builds of one name at once are a race
    return ROOT / str(build["context"]) / str(build.get("dockerfile", "Dockerfile"))


def user_of(service: dict[str, Any]) -> str:
    """`uid:gid` that a service runs as."""
    dockerfile = dockerfile_of(service)
    if "user" in service or dockerfile is None:
        return str(service["user"])
    return last(dockerfile, "USER").text


def mounts(service: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Volume or file → (where it is mounted, whether it can be written)."""
    parts = (volume.split(":") for volume in service.get("volumes", ()))
    return {source: (target, "ro" not in rest) for source, target, *rest in parts}
