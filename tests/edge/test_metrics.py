"""`/metrics`: what it shows of a running collector, who may see it, and the alerts made of it."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import grpc
import httpx
import msgspec
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.edge.trust import trust
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.forward.progress import Progress, write_progress
from agent_analytics_collector.home import Home
from agent_analytics_collector.overview import overview
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import (
    DbtRun,
    LoaderState,
    Step,
    TransformState,
    write_bytes,
    write_state,
)
from tests.service.conftest import RunningService, Start
from tests.service.test_api import COMMIT
from tests.service.test_otlp_grpc import export
from tests.service.test_otlp_http import PROTOBUF, logs

from .certificates import SERVED, Authority

ALERTS = Path(__file__).parents[2] / "docs" / "prometheus_alerts.yml"
FUNCTIONS = {"sum", "rate", "increase", "time", "histogram_quantile", "predict_linear"}
KEYWORDS = {"by", "or", "and", "le", "port", "up"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(running: RunningService, home: Home) -> Samples:
    """Every sample by name and labels."""
    state = running.state
    verify = trust(Path(state.certificate)) if state.certificate else False
    key = {"authorization": f"Bearer {home.token.read_text().strip()}"}
    answer = httpx.get(f"{state.api_url}/metrics", headers=key, verify=verify)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"agent_analytics_{name}", frozenset(labels.items())]


def test_what_was_taken_and_refused_is_counted(start: Start, home: Home) -> None:
    running = start()
    state = running.state
    key = {"authorization": f"Bearer {home.token.read_text().strip()}"}
    httpx.post(f"{state.http_url}/v1/logs", content=logs(), headers=PROTOBUF)
    httpx.post(f"{state.http_url}/v1/logs", content=b"\xff\xff", headers=PROTOBUF)
    with grpc.insecure_channel(state.grpc) as channel:
        export(channel, Signal.LOGS, logs(count=3))
    with httpx.Client(base_url=state.api_url, headers=key) as api:
        for body in ([COMMIT], [COMMIT], [COMMIT, {}]):
            assert api.post("/v1/commits", json=body).status_code == 200
        api.get("/v1/no-such-route/17")
        api.request("BREW", "/v1/commits")
    samples = scrape(running, home)
    assert value(samples, "records_accepted_total", signal="logs") == 4
    assert value(samples, "records_accepted_total", signal="commits") == 1
    assert value(samples, "records_duplicate_total", signal="commits") == 2
    assert value(samples, "records_rejected_total", signal="commits") == 1
    assert value(samples, "otlp_requests_refused_total", status="INVALID_ARGUMENT") == 1
    assert value(samples, "otlp_accept_duration_seconds_count", signal="logs") == 2
    posted = {"port": "api", "method": "POST", "route": "/v1/commits", "status": "200"}
    assert value(samples, "http_requests_total", **posted) == 3
    assert value(samples, "api_request_duration_seconds_count", method="POST",
                 route="/v1/commits") == 3  # fmt: skip
    routes = {dict(labels).get("route") for _, labels in samples}
    assert not [route for route in routes if route and "17" in route], "no series for each path"
    assert not [labels for _, labels in samples if ("method", "BREW") in labels]
    assert value(samples, "connections", port="api") >= 1


def test_what_other_processes_say_is_shown(start: Start, home: Home, authority: Authority) -> None:
    authority.write(home.root)
    running = start(**SERVED)
    running.service._loader._not_before = float("inf")  # it would write its own
    write_everything(home)
    samples = scrape(running, home)
    assert value(samples, "load_rows") == 7
    assert value(samples, "load_duration_seconds") == 1.5
    assert value(samples, "lock_waits_total") == 3
    assert value(samples, "lock_wait_seconds_total") == 4.5
    assert value(samples, "lock_waiting_seconds") > 0
    assert value(samples, "dbt_success") == 0
    assert value(samples, "dbt_duration_seconds") == 33.25
    assert value(samples, "housekeeping_success", step="backup") == 1
    assert value(samples, "housekeeping_success", step="retention") == 0
    assert value(samples, "forward_failing", destination="d1") == 1
    assert value(samples, "forward_refused_total", destination="d1") == 2
    assert value(samples, "file_bytes", file="database") == 4096
    assert value(samples, "file_bytes", file="backups") == 300
    assert value(samples, "keys_expiring") == 1
    assert value(samples, "certificate_expiry_timestamp_seconds") > 1.7e9


def write_everything(home: Home) -> None:
    """State files as other processes write them."""
    now = "2026-11-22T10:00:00.000+00:00"
    loader = LoaderState(
        last_load_at=now, last_load_rows=7, last_load_s=1.5, lock_waits=3, lock_wait_s=4.5,
        waiting_since=now, records={"logs": 7},
    )  # fmt: skip
    write_state(home.loader_state, loader)
    run = DbtRun(now, "error", problem="x", duration_s=33.25)
    write_state(home.transform_state, TransformState(now, last=run))
    steps = {"backup": Step(now, 1.0), "retention": Step(now, 1.0, "disk full")}
    write_bytes(home.housekeeping_state, msgspec.json.encode(steps))
    progress = Progress("https://team.example", refused=2, problem="401")
    write_progress(home, {"d1": progress})
    home.database.write_bytes(b"x" * 4096)
    backup = home.data / "backups" / "20261122T031500Z"
    backup.mkdir(parents=True)
    (backup / "manifest.json").write_bytes(b"x" * 300)
    create_key(home, Settings(), developer_id="ada", scopes=[Scope.INGEST], days=20)


def test_an_administrator_who_reads_sees_it_and_nobody_else(start: Start, home: Home) -> None:
    wanted = {
        (Scope.INGEST, Role.DEVELOPER): 403,
        (Scope.READ, Role.DEVELOPER): 403,
        (Scope.READ, Role.LEAD): 403,
        (Scope.INGEST, Role.ADMIN): 403,
        (Scope.READ, Role.ADMIN): 200,
    }
    keys = {}
    for scope, role in wanted:
        teams = ("core",) if role is Role.LEAD else ()
        keys[scope, role], _ = create_key(
            home, Settings(), developer_id="ada", scopes=(scope,), role=role, teams=teams
        )
    with httpx.Client(base_url=start().state.api_url) as api:
        assert api.get("/metrics").status_code == 401
        statuses = {
            who: api.get("/metrics", headers={"x-api-key": key}).status_code
            for who, key in keys.items()
        }
    assert statuses == wanted


def test_scrapes_beside_traffic_never_go_backwards(start: Start, home: Home) -> None:
    running = start()
    sending = threading.Event()

    def send() -> None:
        with httpx.Client() as client:
            while not sending.is_set():
                client.post(f"{running.state.http_url}/v1/logs", content=logs(), headers=PROTOBUF)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        before = -1.0
        for _ in range(10):
            now = value(scrape(running, home), "records_accepted_total", signal="logs")
            assert now >= before
            before = now
    finally:
        sending.set()
        sender.join()
    assert before > 0


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        found += group["rules"]
    return found


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Labels of every metric that a collector with everything switched on shows, by name."""
    home = Home(tmp_path_factory.mktemp("exposed"))
    home.create()
    Authority(home.root).write(home.root)
    running = RunningService(home, **SERVED)
    try:
        running.service._loader._not_before = float("inf")
        write_everything(home)
        headers = PROTOBUF | {"x-api-key": home.token.read_text().strip()}
        with httpx.Client(verify=trust(home.root / "server.pem"), headers=headers) as client:
            sent = [
                client.post(f"{running.state.http_url}/v1/logs", content=body).status_code
                for body in (logs(), b"\xff")
            ]
        assert sent == [200, 400]
        named: dict[str, set[str]] = {}
        for name, labels in (*scrape(running, home), *scrape(running, home)):
            named.setdefault(name, set()).update(label for label, _ in labels)
        return named
    finally:
        running.stop()


def test_alerts_ask_for_metrics_and_labels_that_are_there(exposed: dict[str, set[str]]) -> None:
    for rule in rules():
        expression = rule["expr"]
        asked = re.findall(r"(agent_analytics_\w+)(?:\{([^}]*)\})?", expression)
        assert asked or expression.startswith("up{job="), rule["alert"]
        for name, selector in asked:
            assert name in exposed, f"{rule['alert']}: {name}"
            for label in re.findall(r"(\w+)\s*[=!]~?", selector):
                assert label in exposed[name], f"{rule['alert']}: {name}{{{label}}}"


def test_alerts_are_written_as_prometheus_wants_them() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"]["summary"]
        expression = re.sub(r'"[^"]*"', '""', rule["expr"])
        for opening, closing in (("(", ")"), ("[", "]"), ("{", "}")):
            assert expression.count(opening) == expression.count(closing), rule["alert"]
        for span in re.findall(r"\[([^]]*)\]", expression):
            assert re.fullmatch(r"\d+[smhd]", span), rule["alert"]
        bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\d+e\d+", "", expression)
        words = set(re.findall(r"[a-z_]\w*", bare))
        unknown = {word for word in words if not word.startswith("agent_analytics_")}
        assert unknown <= FUNCTIONS | KEYWORDS, rule["alert"]
        for counter in set(re.findall(r"agent_analytics_\w+_total", expression)):
            assert re.search(rf"(rate|increase)\({counter}", expression), rule["alert"]


def test_status_tells_of_the_server(start: Start, home: Home, authority: Authority) -> None:
    authority.write(home.root)
    home.config_file.write_text("tls: {certificate: server.pem, key: server.key}\n")
    create_key(home, Settings(), developer_id="ada", scopes=[Scope.INGEST], days=20)
    running = start()
    tls = trust(home.root / "server.pem")
    url = f"{running.state.http_url}/v1/logs"
    assert httpx.post(url, content=logs(), headers=PROTOBUF, verify=tls).status_code == 401
    running.service._tell_traffic()
    server = overview(home)["server"]
    assert server["problem"] is None
    assert server["tls"]["names"] == ["server.test", "127.0.0.1"]
    assert server["keys"] == {"made": 1, "valid": 1, "expiring": 1}
    assert server["limits"]["requests_per_minute"] == 100
    assert server["traffic"]["refused"] == {"UNAUTHENTICATED": 1}
    running.stop()
    (home.root / "server.key").unlink()
    server = overview(home)["server"]
    assert server["traffic"] is None
    assert "server.key" in server["problem"]
