"""Delivers many session files from several processes at once: reading them is Python's work.

Each worker is a child that is handed files over its standard input, reads and delivers them
itself and answers with the outcome. One whose parent is gone ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import IO

from agent_analytics_cli.agents.session_file import SessionFile
from agent_analytics_cli.outbound.api_client import ApiClient, ApiRefused
from agent_analytics_cli.sessions.delivery import Arrived, Outcome, deliver_files
from agent_analytics_cli.sessions.imported import Delivered
from agent_analytics_cli.sessions.loading_pause import LoadingPause
from agent_analytics_cli.sessions.plan import Waiting
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import home_hasher
from agent_analytics_collector.settings import Settings, load_settings

WORTH_IT = 64_000_000
"""Bytes from which the workers' start is worth its time."""
_WORKERS = 2
"""More readers than these only wait for the collector to take what they have."""
_JOB_BYTES = 8_000_000
ATTEMPT_S = 30.0
"""What the collector gets to answer one batch."""


class WorkerFailed(AgentAnalyticsError):
    """A process that read session files ended before its time."""


@dataclass(slots=True)
class _Done:
    """What a worker answers for a job."""

    outcome: Outcome = field(default_factory=Outcome)
    arrived: list[tuple[SessionFile, Delivered]] = field(default_factory=list)
    refused: tuple[str, int, str] | None = None
    """What an ApiRefused says: trying again does not help."""


_Answer = tuple[list[Waiting], _Done | None]
"""A job, and what came of it; None when its worker ended."""


def worker_count(size: int) -> int:
    """How many processes are to read that many bytes."""
    return 1 if size < WORTH_IT else min(_WORKERS, os.cpu_count() or 1)


def deliver_in_parallel(
    waiting: Sequence[Waiting],
    home: Home,
    timeout_s: float,
    arrived: Arrived,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """As `deliver_files`, from several processes. Raises ApiRefused, WorkerFailed too."""
    jobs: SimpleQueue[list[Waiting]] = SimpleQueue()
    for job in _jobs(waiting):
        jobs.put(job)
    answers: SimpleQueue[_Answer | None] = SimpleQueue()
    outcome, stop, refused = Outcome(), threading.Event(), None
    workers = [_Worker(home, timeout_s) for _ in range(_WORKERS)]
    threads = [
        threading.Thread(target=worker.serve, args=(jobs, answers, stop)) for worker in workers
    ]
    for thread in threads:
        thread.start()
    try:
        with LoadingPause(home) as pause:
            for job, done in _answers(answers, len(threads)):
                if done is None:
                    raise WorkerFailed(
                        f"A process that read session files ended while it read "
                        f"{job[0].file.path} and {len(job) - 1} more; what was delivered stays. "
                        "Import again."
                    )
                pause.go_on()
                if done.arrived:
                    arrived(done.arrived)
                outcome.add(done.outcome)
                refused = refused or done.refused
                if refused or outcome.gave_up:
                    stop.set()
                if progress:
                    progress(sum(each.size for each in job))
    finally:
        stop.set()
        for worker in workers:
            worker.let_go()
        for thread, worker in zip(threads, workers, strict=True):
            thread.join()
            worker.wait()
    if refused:
        raise ApiRefused(*refused)
    return outcome


def _answers(answers: SimpleQueue[_Answer | None], workers: int) -> Iterator[_Answer]:
    """What comes until the last worker has no more."""
    while workers:
        answer = answers.get()
        if answer is None:
            workers -= 1
        else:
            yield answer


def _jobs(waiting: Sequence[Waiting]) -> Iterator[list[Waiting]]:
    """Files that are handed over together: enough to be worth it, few enough to share out."""
    job: list[Waiting] = []
    for each in sorted(waiting, key=lambda each: each.size, reverse=True):
        job.append(each)
        if sum(file.size for file in job) >= _JOB_BYTES:
            yield job
            job = []
    if job:
        yield job


class _Worker:
    """A child process, and the thread that talks with it."""

    def __init__(self, home: Home, timeout_s: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(timeout_s), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"AGENT_ANALYTICS_HOME": str(home.root)},
        )

    def serve(
        self,
        jobs: SimpleQueue[list[Waiting]],
        answers: SimpleQueue[_Answer | None],
        stop: threading.Event,
    ) -> None:
        """Hand jobs over until there are none; None in `answers` says that this is so."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(Empty):
            while not stop.is_set():
                job = jobs.get_nowait()
                try:
                    _send(self._process.stdin, job)
                    done: _Done | None = pickle.load(self._process.stdout)
                except (OSError, ValueError, EOFError, pickle.UnpicklingError):
                    done = None
                answers.put((job, done))
        answers.put(None)

    def let_go(self) -> None:
        """Let it finish what it is at, and end."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def wait(self) -> None:
        """Until it has ended."""
        assert self._process.stdout is not None
        self._process.wait()
        self._process.stdout.close()


def _send(stream: IO[bytes], message: object) -> None:
    stream.write(pickle.dumps(message))
    stream.flush()


def _end_with(parent: int) -> None:
    """End when the parent is gone, also while the collector lets us wait."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Read and deliver what is handed over, until there is nobody to hand anything over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=_end_with, args=(int(sys.argv[2]),), daemon=True).start()
    home = Home.from_environment()
    settings: Settings = load_settings(home).settings
    hasher = home_hasher(home, settings.git.line_key_file)
    timeout_s = float(sys.argv[1])
    with ApiClient.connect(home, settings, ATTEMPT_S) as api:
        while True:
            try:
                job: list[Waiting] = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            done = _Done()
            try:
                done.outcome = deliver_files(
                    job, api, timeout_s, done.arrived.extend, hasher=hasher
                )
            except ApiRefused as error:
                done.refused = (error.url, error.status, error.detail)
            _send(sys.stdout.buffer, done)


if __name__ == "__main__":
    # Under its own name: what is handed over names the classes of that module.
    from agent_analytics_cli.sessions.workers import main as run

    run()
