"""otel-collector-config.yaml: what `otelcol-contrib validate` would find, and what it would not.

The Collector itself runs nowhere near these tests, so a setting that it would refuse to start for
is looked for here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from agent_analytics_collector.settings import Settings

from .files import COLLECTOR_CONFIG, mounts, services

KINDS = ("receivers", "processors", "exporters", "extensions")
CONFIG: dict[str, Any] = yaml.safe_load(COLLECTOR_CONFIG.read_text())

KNOWN: Mapping[str, Any] = {
    "receivers": {
        "otlp": {
            "protocols": {
                "grpc": {"endpoint", "include_metadata", "max_recv_msg_size_mib"},
                "http": {"endpoint", "include_metadata", "max_request_body_size"},
            }
        }
    },
    "processors": {
        "memory_limiter": {"check_interval", "limit_percentage", "spike_limit_percentage"},
        "resource": {"attributes"},
    },
    "exporters": {
        "otlp_grpc": {
            "endpoint": None,
            "tls": {"insecure"},
            "headers": {"x-api-key"},
            "retry_on_failure": {"max_elapsed_time"},
            "sending_queue": {
                "storage": None,
                "sizer": None,
                "queue_size": None,
                "batch": {"flush_timeout", "min_size", "max_size"},
            },
        }
    },
    "extensions": {
        "health_check": {"endpoint"},
        "file_storage": {
            "directory": None,
            "fsync": None,
            "compaction": {"directory", "on_start", "on_rebound"},
        },
    },
}
"""Components of otelcol-contrib and the `mapstructure` names in their sources (0.159 and 0.165)."""


def components() -> Iterator[tuple[str, str]]:
    """(kind, name with its type) of everything that is configured."""
    for kind in KINDS:
        for name in CONFIG[kind]:
            yield kind, name


def exporter() -> dict[str, Any]:
    (only,) = CONFIG["exporters"].values()
    return dict(only)


def test_there_is_nothing_that_the_collector_does_not_know() -> None:
    assert CONFIG.keys() == {*KINDS, "service"}
    for kind, name in components():
        unknown = list(foreign(CONFIG[kind][name], KNOWN[kind][name.partition("/")[0]]))
        assert unknown == [], name
    assert CONFIG["service"].keys() == {"extensions", "telemetry", "pipelines"}


def test_a_setting_with_a_typing_error_would_be_found() -> None:
    """So that the test before this one can fail."""
    known = KNOWN["exporters"]["otlp_grpc"]
    assert list(foreign({"sending_queue": {"storge": "x"}}, known)) == ["storge"]
    assert list(foreign({"tls": {"insecure": True, "secure": 1}}, known)) == ["secure"]


def test_everything_configured_is_used_and_everything_used_is_configured() -> None:
    pipelines = CONFIG["service"]["pipelines"]
    for kind in KINDS[:3]:
        used = {name for pipeline in pipelines.values() for name in pipeline[kind]}
        assert used == CONFIG[kind].keys()
    assert set(CONFIG["service"]["extensions"]) == CONFIG["extensions"].keys()


def test_logs_metrics_and_traces_go_the_same_way() -> None:
    pipelines = CONFIG["service"]["pipelines"]
    assert pipelines.keys() == {"logs", "metrics", "traces"}
    assert pipelines["logs"] == pipelines["metrics"] == pipelines["traces"]
    assert pipelines["logs"]["processors"] == ["memory_limiter", "resource/identity"]


def test_no_processor_batches_or_changes_temporality() -> None:
    types = {name.partition("/")[0] for name in CONFIG["processors"]}
    assert not types & {"batch", "queuebatch", "cumulativetodelta", "deltatocumulative"}


def test_headers_are_seen_on_every_protocol() -> None:
    protocols = CONFIG["receivers"]["otlp"]["protocols"]
    assert protocols.keys() == {"grpc", "http"}
    assert all(each["include_metadata"] is True for each in protocols.values())


def test_the_sender_cannot_say_in_the_data_who_it_is() -> None:
    first, second = CONFIG["processors"]["resource/identity"]["attributes"]
    assert first == {"key": "agent_analytics.developer_id", "action": "delete"}
    assert second == {
        "key": "agent_analytics.developer_id",
        "action": "insert",
        "from_context": "metadata.x-developer-id",
    }


def test_a_request_is_as_large_as_the_next_one_takes() -> None:
    protocols = CONFIG["receivers"]["otlp"]["protocols"]
    most = Settings().otlp.max_request_bytes
    assert protocols["grpc"]["max_recv_msg_size_mib"] * 1024 * 1024 == most
    assert protocols["http"]["max_request_body_size"] == most


def test_what_was_accepted_outlives_restarts_and_long_outages() -> None:
    queue = exporter()["sending_queue"]
    assert queue["storage"] in CONFIG["service"]["extensions"]
    assert "wait_for_result" not in queue, "it cannot go with a storage"
    assert exporter()["retry_on_failure"]["max_elapsed_time"] == 0
    storage = CONFIG["extensions"][queue["storage"]]
    assert storage["fsync"] is True
    assert mounts(services()["otel-collector"])["queue"] == (storage["directory"], True)
    assert storage["compaction"]["directory"] == storage["directory"], "the root is read-only"


def test_the_queue_is_bounded_and_its_batches_fit() -> None:
    queue = exporter()["sending_queue"]
    assert queue["sizer"] == "items"
    assert 0 < queue["batch"]["min_size"] <= queue["batch"]["max_size"] <= queue["queue_size"]


def test_it_sends_the_key_that_a_service_made_for_it() -> None:
    place = exporter()["headers"]["x-api-key"]
    path = PurePosixPath(place.removeprefix("${file:").removesuffix("}"))
    assert mounts(services()["otel-collector"])["collector-key"] == (str(path.parent), False)
    target, is_writable = mounts(services()["collector-key"])["collector-key"]
    assert is_writable
    (command,) = services()["collector-key"]["command"]
    assert f"file={target}/{path.name}\n" in command
    assert "resource/identity" in CONFIG["processors"], "the key is nobody's own"
    assert "keys create --gateway" in command


def test_memory_is_limited_by_the_containers_own_limit() -> None:
    limiter = CONFIG["processors"]["memory_limiter"]
    assert 0 < limiter["spike_limit_percentage"] < limiter["limit_percentage"] < 100
    service = services()["otel-collector"]
    limit = service["deploy"]["resources"]["limits"]["memory"]
    assert int(service["environment"]["GOMEMLIMIT"].removesuffix("MiB")) < int(
        limit.removesuffix("M")
    )


def test_it_delivers_to_our_service_by_the_name_and_port_it_has() -> None:
    host, _, port = exporter()["endpoint"].partition(":")
    assert int(port) == Settings().grpc_port
    assert set(services()[host]["networks"]) & set(services()["otel-collector"]["networks"])
    assert exporter()["tls"] == {"insecure": True}


@pytest.mark.parametrize("place", ["receivers", "extensions"])
def test_it_listens_where_other_containers_reach_it(place: str) -> None:
    endpoints = [text for text in leaves(CONFIG[place]) if isinstance(text, str) and ":" in text]
    assert endpoints
    assert all(each.startswith("0.0.0.0:") for each in endpoints)


def foreign(configured: Mapping[str, Any], known: Any) -> Iterator[str]:
    """Names in `configured` that are not in `known`."""
    for name, value in configured.items():
        if name not in known:
            yield name
        elif isinstance(known, dict) and known[name]:
            yield from foreign(value, known[name])


def leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        for value in node.values():
            yield from leaves(value)
    else:
        yield node
