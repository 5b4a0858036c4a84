"""How long `agent-analytics report` takes on a year of published requests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from agent_analytics_collector.home import Home
from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.processes import command, environment, scratch_home

AIM = Aim(1000.0, of="subject")
VIEWS = {
    "by day, agent and model": (),
    "by session": ("--by", "session"),
    "by block": ("--by", "block"),
    "by branch and worktree": ("--by", "branch,worktree"),
    "by tool": ("--by", "tool"),
    "all days, as JSON": ("--by", "day,model,project", "--since", "2020-01-01", "--json"),
}
_ROUNDS = {Size.FULL: 15, Size.QUICK: 5, Size.TINY: 1}
_REQUESTS = {Size.FULL: 500_000, Size.QUICK: 500_000, Size.TINY: 2_000}
_COUNT = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as marts:
    print(marts.execute("select count(*), sum(cost_usd) from fct_agent_requests").fetchall())
"""
_MODELS = "['claude-opus-4-5', 'claude-sonnet-4-5', 'gpt-5.5', 'gemini-3.8-flash']"
# Somebody who works in bursts: a session of 100 requests each day and a half hour of the year.
_MARTS = f"""
create table fct_agent_requests as
select
    'r' || n as request_key, ['claude_code', 'codex', 'gemini_cli'][1 + session % 3] as agent,
    'session-' || session as session_id, agent || ':' || session_id as session_key,
    'dev-' || (session % 20) as developer_id, 'https://example.com/acme/p' || (session % 30)
    as project_id, 'branch-' || (session % 300) as git_branch, '/src/tree-' || (session % 50)
    as worktree, 'laptop-' || (session % 20) as machine, {_MODELS}[1 + n % 4] as model,
    case n % 7 when 0 then 'agent:Explore' else 'sdk' end as query_source,
    null::varchar as subagent, n % 7 = 0 as is_subagent, 40 + n % 900 as input_tokens,
    20000 + n % 90000 as cache_read_tokens, n % 4000 as cache_write_5m_tokens,
    0::bigint as cache_write_1h_tokens, 10 + n % 2000 as output_tokens,
    null::bigint as reasoning_tokens, cast((n % 1000) / 10000 as decimal(18, 9)) as cost_usd,
    'agent_reported' as cost_source, false as is_error,
    timestamptz '2026-01-01 07:00:00+00' + to_seconds(session * 365 * 86400 / ($1 / 100) + n % 100)
    as requested_at
from (select range as n, range // 100 as session from range($1));
create table fct_metric_remainders as
select
    agent, session_id, session_key, developer_id, project_id, model, input_tokens,
    cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens,
    reasoning_tokens, cost_usd, requested_at as booked_at
from fct_agent_requests where hash(request_key) % 1000 = 0;
create table fct_vendor_spend as
select *, 4::bigint as requests, 'vendor_billed' as cost_source from fct_metric_remainders limit 0;
create table fct_agent_sessions as
select
    session_key, any_value(session_id) as session_id, any_value(agent) as agent,
    any_value(developer_id) as developer_id, any_value(project_id) as project_id,
    any_value(git_branch) as git_branch, any_value(worktree) as worktree,
    any_value(machine) as machine, 'answered' as outcome, 5::bigint as prompts,
    60::bigint as tool_calls, 1::bigint as commits, min(requested_at) as started_at,
    max(requested_at) as ended_at
from fct_agent_requests group by session_key;
create table fct_tool_calls as
select
    agent, session_id, ['Bash', 'Edit', 'Read', 'Write'][1 + (hash(request_key) % 4)::int]
    as tool_name, 'accept' as decision, cast(hash(request_key) % 5000 as bigint) as duration_ms,
    1::bigint as lines_added, 1::bigint as lines_removed, hash(request_key) % 9 > 0 as success,
    tool_name = 'Edit' as is_edit, requested_at as called_at
from fct_agent_requests;
create table dim_agents as select distinct agent, upper(agent) as display_name
from fct_agent_requests;
create table dim_models as select distinct model, upper(model) as display_name
from fct_agent_requests;
"""


def measure(size: Size) -> Measurement:
    """Each view, in turn with a Python that opens the same file and counts."""
    counting: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in VIEWS}
    with scratch_home() as home:
        marts = _publish(home, _REQUESTS[size])
        count = [sys.executable, "-c", _COUNT, str(marts)]
        subjects = {name: [*command(), "report", *options] for name, options in VIEWS.items()}
        for line in (count, *subjects.values()):
            _milliseconds(line, home)  # compiles, and fills the system's cache
        for _ in range(_ROUNDS[size]):
            counting.append(_milliseconds(count, home))
            for name, line in subjects.items():
                times[name].append(_milliseconds(line, home))
    return Measurement(
        f"report: `agent-analytics report`, {_REQUESTS[size]:,} requests published",
        "a Python that imports duckdb, opens the same file and sums one column",
        [Figure(name, "ms", taken, counting, AIM) for name, taken in times.items()],
    )


def _publish(home: Home, requests: int) -> Path:
    run = home.published / "measured"
    run.mkdir(parents=True)
    marts = run / "marts.duckdb"
    with duckdb.connect(str(marts)) as connection:
        connection.execute(_MARTS.replace("$1", str(requests)))
    os.symlink(run.name, home.published / "current")
    return marts


def _milliseconds(line: list[str], home: Home) -> float:
    began = time.perf_counter()
    done = subprocess.run(line, env=environment(home), capture_output=True, check=True)
    taken = (time.perf_counter() - began) * 1000
    assert done.stdout, line
    return taken
