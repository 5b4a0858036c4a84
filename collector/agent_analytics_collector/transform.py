"""Running dbt over the DuckDB file and publishing what it made.

dbt is a child process: importing it takes 1-3 s and 150 MB, and inside ours its connection would
keep the file's lock after the run.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import FrameType

import duckdb
import msgspec

from agent_analytics_collector.compiled_sql import CompiledSql, keep_compiled
from agent_analytics_collector.errors import (
    AgentAnalyticsError,
    FileLocked,
    NotFlushed,
    TransformFailed,
)
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.state import (
    DbtRun,
    TransformState,
    read_transform,
    write_state,
)
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.publish import Published, publish_new_runs
from agent_analytics_collector.warehouse.recovery import is_damage, recover
from agent_analytics_collector.warehouse.user_input import write_user_input

WAIT_FOR_FILE_S = 60.0
WHOLE_EVERY = timedelta(days=1)
"""How often views, seeds and tests are run again although the project is the same."""
_WHAT_CHANGES = (
    "--exclude-resource-type", "seed", "--exclude-resource-type", "test",
    "--exclude", "config.materialized:view",
)  # fmt: skip
"""What new records change are tables; that alone takes a third of the time."""


def transform(
    home: Home, settings: Settings, dbt_project: Path, *, full_refresh: bool = False
) -> Published | None:
    """Run dbt, publish, and return what was published (None: somebody else already did).

    A file that shows to be damaged is replaced, and dbt runs once more. Raises TransformFailed with
    dbt's own words, FileLocked when the file stays in use.
    """
    try:
        with alone(home):
            return _transform(home, settings, dbt_project, full_refresh=full_refresh)
    except (AgentAnalyticsError, duckdb.Error) as error:
        if not is_damage(str(error)) or recover(home, settings, str(error)) is None:
            raise
    with suppress(FileLocked, NotFlushed):  # what came after the backup belongs into the marts too
        flush(home, settings, WAIT_FOR_FILE_S)
    with alone(home):
        return _transform(home, settings, dbt_project, full_refresh=full_refresh)


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Two at once would share dbt's target folder, its log and the file: the second waits."""
    with (home.run / "transform.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ask_for_full_refresh(home: Home) -> None:
    """Have the next `transform` make everything anew; to be called `alone`."""
    state = read_transform(home)
    if state is not None:
        write_state(home.transform_state, msgspec.structs.replace(state, shape=None))


def _transform(
    home: Home, settings: Settings, dbt_project: Path, *, full_refresh: bool
) -> Published | None:
    started_at, began = _now(), time.monotonic()
    before = read_transform(home) or TransformState(started_at)
    running = msgspec.structs.replace(before, started_at=started_at, running_pid=os.getpid())
    write_state(home.transform_state, running)
    shape, project = _digests(dbt_project)
    home.want.touch(mode=0o600)  # the loader makes way
    problem: str | None = None
    try:
        with lease_when_free(home.database, WAIT_FOR_FILE_S) as connection:
            write_user_input(connection, home, settings)
            has_views = _has_views(connection)
        anew = full_refresh or shape != before.shape
        if anew or not has_views or project != before.whole or _is_due(before.whole_at):
            _build(home, dbt_project, *(("--full-refresh",) if anew else ()))
            keep_compiled(home, dbt_project, home.dbt_target)
            before = msgspec.structs.replace(
                before, shape=shape, whole=project, whole_at=started_at
            )
        else:
            # dbt's manifest, which nothing reads after such a run, takes seconds to write.
            _build(home, dbt_project, "--no-write-json", *_WHAT_CHANGES)
        with lease_when_free(home.database, WAIT_FOR_FILE_S) as connection:
            return publish_new_runs(connection, home, settings)
    except BaseException as error:  # what stops the process, too
        problem = str(error) or type(error).__name__
        raise
    finally:
        home.want.unlink(missing_ok=True)
        outcome = DbtRun(
            _now(),
            "error" if problem else "success",
            problem=problem,
            duration_s=round(time.monotonic() - began, 3),
        )
        state = msgspec.structs.replace(
            before, started_at=started_at, running_pid=None, last=outcome
        )
        write_state(home.transform_state, state)


def _digests(dbt_project: Path) -> tuple[str, str]:
    """Of what tables are made of, so that a release that changes it rebuilds them; of all there is.

    A newer price list rebuilds nothing: it has no word in what is past.
    """
    shape, project = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)
    for folder in ("macros", "models", "seeds", "tests"):
        for path in sorted(filter(Path.is_file, (dbt_project / folder).rglob("*"))):
            content = path.read_bytes()
            project.update(content)
            if path.suffix == ".sql" and folder in ("macros", "models"):
                shape.update(content)
    project.update((dbt_project / "dbt_project.yml").read_bytes())
    return shape.hexdigest(), project.hexdigest()


def _has_views(connection: duckdb.DuckDBPyConnection) -> bool:
    """False of a file that is new or was put in the place of another before dbt was there."""
    found = connection.execute(
        "SELECT count(*) FROM duckdb_views() WHERE schema_name IN ('staging', 'intermediate')"
    ).fetchone()
    assert found is not None
    return bool(found[0])


def _is_due(whole_at: str | None) -> bool:
    return whole_at is None or datetime.fromisoformat(whole_at) < datetime.now(UTC) - WHOLE_EVERY


def compile_sql(home: Home, dbt_project: Path) -> CompiledSql:
    """The models' SQL, kept as a successful `transform` keeps it; no data is touched.

    Raises TransformFailed.
    """
    log = home.logs / "compile.log"
    with tempfile.TemporaryDirectory(prefix="agent-analytics-") as folder:
        scratch = Home(Path(folder))  # dbt opens the DuckDB file, so it gets one of its own
        scratch.create()
        arguments = ("compile", "--full-refresh", "--select", "resource_type:model")
        _run_dbt(scratch, dbt_project, *arguments, log=log)
        compiled = keep_compiled(home, dbt_project, scratch.dbt_target)
    if compiled is None:
        raise TransformFailed("it left no SQL that can be read", log)
    return compiled


def _build(home: Home, dbt_project: Path, *more: str) -> None:
    arguments = ("build", "--exclude-resource-type", "unit_test", *more)
    _run_dbt(home, dbt_project, *arguments, log=home.logs / "transform.log")


def _run_dbt(home: Home, dbt_project: Path, *arguments: str, log: Path) -> None:
    command = [
        sys.executable, "-m", "agent_analytics_collector.dbt_process", "--no-use-colors",
        *arguments, "--project-dir", str(dbt_project), "--profiles-dir", str(dbt_project),
    ]  # fmt: skip
    environment = os.environ | {"AGENT_ANALYTICS_HOME": str(home.root)}
    # When we are stopped its standard input is closed, and dbt ends (dbt_process.py).
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        ) as process,
    ):
        exit_code = process.wait()
    if exit_code:
        raise TransformFailed(
            _problem(log.read_text(encoding="utf-8", errors="replace").splitlines()), log
        )


_TIME = re.compile(r"^\d\d:\d\d:\d\d  ")
_HEADLINE = re.compile(r"\w+ Error( in .*)?|Failure in test .*")


def _problem(lines: Iterable[str]) -> str:
    """What dbt says went wrong: headlines, each with the line under it, the first three.

    dbt 1.11 puts `Runtime Error in model x (path)` over `Binder Error: …`. The last line when
    there is no headline.
    """
    said = [text for line in lines if (text := _TIME.sub("", line).strip())]
    wrong = [
        f"{line}: {detail}" for line, detail in pairwise([*said, ""]) if _HEADLINE.fullmatch(line)
    ]
    return " · ".join(wrong[:3]) or (said[-1] if said else "it said nothing")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _stop(number: int, frame: FrameType | None) -> None:
    """Unwind, so that dbt ends too, `run/want` goes and `run/transform.json` says what happened."""
    sys.exit("it was stopped before its end")


def main() -> None:
    """The service's child: exit code 1 when dbt failed, 0 otherwise."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dbt-project", type=Path, required=True)
    arguments = parser.parse_args()
    home = Home.from_environment()
    configure_logging(home, "transform-service")
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's to answer
    try:
        settings = load_settings(home).settings
    except AgentAnalyticsError as error:
        now = _now()
        failed = DbtRun(now, "error", problem=str(error))
        write_state(home.transform_state, TransformState(now, last=failed))
        sys.exit(1)
    try:
        transform(home, settings, arguments.dbt_project)
    except AgentAnalyticsError:
        sys.exit(1)  # `run/transform.json` says why


if __name__ == "__main__":
    main()
