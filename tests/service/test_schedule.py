"""When dbt is due."""

from __future__ import annotations

from agent_analytics_collector.schedule import SETTLE_S, SOON_S, Schedule


def test_nothing_received_means_nothing_to_do() -> None:
    assert not Schedule(300).is_due(1e9)


def test_the_first_data_after_a_quiet_time_is_seen_soon() -> None:
    schedule = Schedule(300)
    schedule.data_came(1000)
    schedule.data_came(1005)
    assert not schedule.is_due(1000 + SOON_S - 1)
    assert schedule.is_due(1000 + SOON_S)


def test_a_steady_stream_means_one_run_an_interval() -> None:
    schedule = Schedule(300)
    runs = []
    for second in range(3600):
        schedule.data_came(second)
        if schedule.is_due(second):
            schedule.run_started(second)
            runs.append(second)
    assert runs == list(range(int(SOON_S), 3600, 300))


def test_runs_go_on_until_a_quiet_session_is_reconciled_and_then_stop() -> None:
    schedule = Schedule(300)
    schedule.data_came(0)
    runs = []
    for second in range(86_400):
        if schedule.is_due(second):
            schedule.run_started(second)
            runs.append(second)
    assert runs[0] == SOON_S
    assert runs[-1] >= SETTLE_S
    assert len(runs) <= 5
