"""How developers are spelled whom the published marts and the user's identities know."""

from __future__ import annotations

from agent_analytics_cli.marts import MartsUnreadable, open_marts
from agent_analytics_cli.money.seed_files import SeedKind, read_seed
from agent_analytics_cli.output import note
from agent_analytics_collector.home import Home

_IDENTITIES = SeedKind("developer_identities", ("identity", "developer_id"), ("identity",))


def known_developer(home: Home, name: str) -> tuple[str, bool]:
    """The name as the developer of that name is spelled, and whether there is one yet.

    An identity that `developer_identities.csv` gives to somebody stays: dbt looks it up. Where the
    marts cannot be read, the name stays too, with a note. Raises ChangeRefused.
    """
    if any(row["identity"].lower() == name.lower() for row in read_seed(home, _IDENTITIES)):
        return name, True
    try:
        with open_marts(home) as marts:
            found = (
                marts
                and marts.execute(
                    """
                SELECT developer_id FROM dim_developers WHERE lower(developer_id) = lower($name)
                ORDER BY developer_id <> $name, last_seen_at DESC, developer_id LIMIT 1
                """,
                    {"name": name},
                ).fetchone()
            )
    except MartsUnreadable as error:
        note(str(error))
        return name, True
    return (found[0], True) if found else (name, False)
