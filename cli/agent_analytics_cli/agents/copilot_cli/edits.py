"""The edits in a Copilot CLI session: what a tool was asked for, once it says that it succeeded.

1.0.102 has `create` and `edit`, older versions `str_replace_editor`; models of OpenAI are given
`apply_patch` too.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent_analytics_cli.agents.edit_lines import WaitingEdits, edit_payloads
from agent_analytics_cli.agents.json_lines import Line
from agent_analytics_cli.agents.kept_values import identifier
from agent_analytics_cli.agents.session_context import Payload
from agent_analytics_collector.edit_texts import from_arguments


class Edits(WaitingEdits):
    """The edits of one session."""

    def of_event(self, kind: str, data: Line, folder: str | None) -> Iterator[Payload]:
        """Payloads of the edits that an event tells to be done; `folder` is the session's."""
        if self._hasher is None:
            return
        call_id = identifier(data.get("toolCallId"))
        if kind == "tool.execution_start":
            edits = from_arguments(data.get("arguments"))
            self._waiting.ask(call_id, edit_payloads(edits, call_id, self._hasher, folder))
        elif kind == "tool.execution_complete":
            asked = self._waiting.settle(call_id)
            if data.get("success") is True:
                yield from asked
