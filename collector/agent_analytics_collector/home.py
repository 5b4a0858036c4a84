"""Where everything lives: the one state folder and the paths in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_collector.errors import HomeUnusable

HOME_VARIABLE = "AGENT_ANALYTICS_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder (`AGENT_ANALYTICS_HOME`, default `~/.agent-analytics`) and its paths."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        named = _named_root()
        return cls(Path(named).expanduser().absolute() if named else _default_root())

    @staticmethod
    def origin() -> str:
        """Where `from_environment` has the folder from."""
        return HOME_VARIABLE if _named_root() else "default"

    @property
    def config_file(self) -> Path:
        return self.root / "config.yaml"

    @property
    def token(self) -> Path:
        """The secret that the API asks for; made at the first start of a collector."""
        return self.root / "token"

    @property
    def line_key(self) -> Path:
        """The key under which lines of code are hashed; made on first need."""
        return self.root / "line.key"

    @property
    def keys(self) -> Path:
        """The keys that were made for senders and readers, without their secrets."""
        return self.root / "keys.json"

    @property
    def signing_key(self) -> Path:
        """The secret that keys are signed with; made with the first of them."""
        return self.root / "signing.key"

    @property
    def installation(self) -> Path:
        """What tells this home from others; made on first need."""
        return self.root / "installation.id"

    @property
    def pepper(self) -> Path:
        """The secret under which names of persons are hashed; made on first need."""
        return self.root / "pepper.key"

    @property
    def erasures(self) -> Path:
        """Whose data was deleted, as keyed hashes, so that no old copy brings it back."""
        return self.root / "erasures.json"

    @property
    def erasing(self) -> Path:
        """Whose data is being deleted, by name, until all of it is gone."""
        return self.root / "erasing.json"

    @property
    def access_log(self) -> Path:
        """Who looked at whose data, a file a month."""
        return self.root / "access-log"

    @property
    def forward(self) -> Path:
        """Headers, keys among them, with which requests are sent on."""
        return self.root / "forward"

    @property
    def outbox(self) -> Path:
        """Commits that hooks have noted, and those that could not be delivered yet."""
        return self.root / "outbox"

    @property
    def hooks(self) -> Path:
        """The stubs that git hooks call."""
        return self.root / "hooks"

    @property
    def receipt(self) -> Path:
        """What was changed outside of this folder, so that it can be undone."""
        return self.root / "installed.json"

    @property
    def seeds(self) -> Path:
        """CSV files the user may edit: price overrides, model aliases, identities, plans."""
        return self.root / "seeds"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def database(self) -> Path:
        return self.data / "agent_analytics.duckdb"

    @property
    def spool(self) -> Path:
        return self.data / "spool"

    @property
    def published(self) -> Path:
        return self.data / "published"

    @property
    def current_marts(self) -> Path:
        """The latest published run's file; resolve it once per command."""
        return self.published / "current" / "marts.duckdb"

    @property
    def today(self) -> Path:
        """What the latest published run says of the day it was published on, as JSON."""
        return self.published / "current" / "today.json"

    @property
    def bi_database(self) -> Path:
        return self.published / "bi.duckdb"

    @property
    def run(self) -> Path:
        """What running processes tell each other; nothing here needs a backup."""
        return self.root / "run"

    @property
    def service_state(self) -> Path:
        return self.run / "service.json"

    @property
    def loader_state(self) -> Path:
        return self.run / "loader.json"

    @property
    def transform_state(self) -> Path:
        return self.run / "transform.json"

    @property
    def key_use(self) -> Path:
        """When each key was used last."""
        return self.run / "key_use.json"

    @property
    def traffic_state(self) -> Path:
        return self.run / "traffic.json"

    @property
    def housekeeping_state(self) -> Path:
        return self.run / "housekeeping.json"

    @property
    def want(self) -> Path:
        """Touched by whoever needs the DuckDB file next: the loader then stays away."""
        return self.run / "want"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def dbt_target(self) -> Path:
        return self.root / "dbt" / "target"

    @property
    def demo(self) -> Home:
        """The home of the demo, so that it never mixes with real data."""
        return Home(self.root / "demo")

    def create(self) -> None:
        """Make the folders, readable by their owner alone. Raises HomeUnusable."""
        folders = (
            self.root, self.data, self.spool, self.published, self.run, self.logs, self.seeds,
            self.outbox,
        )  # fmt: skip
        for folder in folders:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise HomeUnusable(self.root, error.strerror or str(error)) from error
        if not os.access(self.data, os.W_OK | os.X_OK):
            raise HomeUnusable(self.root, "Permission denied")


def _named_root() -> str:
    return os.environ.get(HOME_VARIABLE, "").strip()


def _default_root() -> Path:
    return Path.home() / ".agent-analytics"
