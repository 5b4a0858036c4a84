"""Whom a record may tell of: with a developer's own key, of that developer alone."""

from __future__ import annotations

from pydantic import BaseModel

from agent_analytics_collector.access.principal import Principal, Role
from agent_analytics_collector.api.payloads import CopilotMetrics, VendorUsage


class NotTheirs(Exception):
    """The record tells of somebody else than the one whose key came with it."""


def refuse_others(record: BaseModel, principal: Principal) -> None:
    """Raises NotTheirs where the record names another than the key's developer.

    An administrator's key may: what a vendor reports is of everybody, also where it names nobody.
    """
    if principal.developer_id is None or principal.role is Role.ADMIN:
        return
    own = principal.developer_id
    if isinstance(record, CopilotMetrics):
        names_another = record.developer_id != own and bool(
            record.developer_id or record.organisation
        )
    else:
        names_another = isinstance(record, VendorUsage) and record.actor != own
    if names_another:
        raise NotTheirs(
            "it tells of somebody else than the key's developer; only a key with the role admin "
            "may do that"
        )
