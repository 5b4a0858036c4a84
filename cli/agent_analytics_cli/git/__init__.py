"""git: repositories, facts about commits, hooks."""
