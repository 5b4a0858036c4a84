"""What of the spool waits for destinations, and what is counted when there is no room."""

from __future__ import annotations

import json

import pytest

from agent_analytics_collector.errors import Looped
from agent_analytics_collector.forward.forwarding import Forwarding
from agent_analytics_collector.forward.loops import MOST_HOPS, refuse_loop, sent_on_by
from agent_analytics_collector.forward.progress import Progress, read_dropped, write_progress
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import Forward
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.spool.segments import Position, list_segments

from .test_delivery import commits, logs, otlp, spool_up


def test_the_spool_waits_for_the_slowest_destination_and_for_the_newest_backup(home: Home) -> None:
    spool_up(home, otlp(logs("a")))
    (segment,) = list_segments(home.spool)
    nowhere = Forwarding(home, Settings())
    assert nowhere.needed() is None
    settings = Settings(forward=(Forward("http://a.example"), Forward("http://b.example")))
    forwarding = Forwarding(home, settings)
    assert forwarding.needed() == Position(), "a destination that had nothing yet needs all"
    keys = [each.key for each in forwarding._destinations]
    write_progress(home, {keys[0]: Progress("a", segment, 20), keys[1]: Progress("b", segment, 10)})
    assert forwarding.needed() == Position(segment, 10)
    (home.run / "backup.json").write_text(json.dumps({"segment": segment, "offset": 5}))
    assert forwarding.needed() == Position(segment, 5)
    assert nowhere.needed() == Position(segment, 5)


def test_what_has_to_make_room_is_counted_for_those_who_had_not_had_it(home: Home) -> None:
    spool_up(home, otlp(logs("a")), commits("b"), records=3)
    first = list_segments(home.spool)[0]
    spool_up(home, otlp(logs("c")), records=5)
    otlp_alone, all_of_it, done = (
        Forward("http://a.example"), Forward("http://b.example", api="http://b.example"),
        Forward("http://c.example"),
    )  # fmt: skip
    forwarding = Forwarding(home, Settings(forward=(otlp_alone, all_of_it, done)))
    keys = [each.key for each in forwarding._destinations]
    write_progress(home, {keys[2]: Progress("c", *end_of_spool(home.spool))})
    forwarding.dropping(first)
    forwarding.dropping(list_segments(home.spool)[1])
    dropped = read_dropped(home)
    assert (dropped[keys[0]].requests, dropped[keys[0]].records) == (2, 8)
    assert (dropped[keys[1]].requests, dropped[keys[1]].records) == (3, 11)
    assert keys[2] not in dropped
    assert dropped[keys[0]].last_at is not None


def test_a_request_that_was_here_before_is_refused_and_others_pass() -> None:
    refuse_loop("here", {})
    refuse_loop("here", {"agent-analytics-forwarded": "there, elsewhere"})
    refuse_loop("", {"agent-analytics-forwarded": ""})
    with pytest.raises(Looped):
        refuse_loop("here", {"agent-analytics-forwarded": "there,here"})
    sent = sent_on_by("here", {"agent-analytics-forwarded": "there", "x-developer-id": "ada"})
    assert sent == {"agent-analytics-forwarded": "there,here", "x-developer-id": "ada"}
    many = ",".join(str(number) for number in range(MOST_HOPS + 1))
    with pytest.raises(Looped):
        refuse_loop("here", {"agent-analytics-forwarded": many})
