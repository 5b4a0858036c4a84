"""Which agents and models are hidden first beside a rare one: the same in every table."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

Rank = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Ranks:
    """How many people of a team used each agent, and each of its models, in a month."""

    agents: Mapping[Hashable, int]
    models: Mapping[tuple[Hashable, Hashable], int]

    @classmethod
    def of(cls, used: Iterable[tuple[Hashable, Hashable, Hashable]]) -> Ranks:
        """`used` are agent, model and developer, of everything that the team used."""
        by_agent: dict[Hashable, set[Hashable]] = {}
        by_model: dict[tuple[Hashable, Hashable], set[Hashable]] = {}
        for agent, model, developer in used:
            by_agent.setdefault(agent, set()).add(developer)
            by_model.setdefault((agent, model), set()).add(developer)
        return cls(
            {agent: len(people) for agent, people in by_agent.items()},
            {pair: len(people) for pair, people in by_model.items()},
        )

    def rank(self, row: Mapping[str, Hashable]) -> Rank:
        """The rank of a row of a table, by those of its columns that are `agent` and `model`."""
        if "agent" not in row:
            return ()
        agent = row["agent"]
        rank: Rank = (self.agents.get(agent, 0), str(agent))
        if "model" not in row:
            return rank
        return (*rank, self.models.get((agent, row["model"]), 0), str(row["model"]))
