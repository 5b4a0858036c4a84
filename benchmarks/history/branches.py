"""Stories that begin on a branch of their own. Meanwhile others work on main, in other files."""

from __future__ import annotations

from pathlib import Path

from benchmarks.history.team import Team
from benchmarks.history.truth import CommitTruth, Tree


def squash(team: Team) -> None:
    """A branch by an agent and a person becomes one commit; the branch may stay."""
    name, commits, touched = _branch(team)
    tree = team.checkout.tree
    team.checkout.switch("main")
    if team.chance.random() < 0.5:
        _meanwhile(team, touched)
    number = team.chance.randint(10, 999)
    team.checkout.squash(
        name, team.person(), f"{team.message()} (#{number})", _both(team, commits, tree)
    )
    if team.chance.random() < 0.6:
        _drop(team, name, commits)


def merge(team: Team) -> None:
    """A branch is merged as it is."""
    name, commits, touched = _branch(team)
    tree = team.checkout.tree
    team.checkout.switch("main")
    _meanwhile(team, touched)
    team.checkout.merge(name, team.person(), f"Merge branch '{name}'", _both(team, commits, tree))
    team.checkout.delete(name)


def rebase(team: Team) -> None:
    """A branch is put upon a main that went on; not always does a hook see it."""
    name, commits, touched = _branch(team)
    team.checkout.switch("main")
    _meanwhile(team, touched)
    team.checkout.switch(name)
    team.pause(60, 7200)
    told = team.chance.random() < 0.6
    hashes = [each.commit_hash for each in commits]
    team.checkout.rebase("main", team.person(), hashes, told=told)
    team.checkout.switch("main")
    team.checkout.fast_forward(name)
    team.checkout.delete(name)


def cherry_pick(team: Team) -> None:
    """A fix goes from main to a release branch that was cut just before."""
    team.branches += 1
    release = f"release/{team.branches}"
    team.checkout.switch(release, new=True)
    team.checkout.switch("main")
    session = team.session() if team.chance.random() < 0.7 else None
    if session:
        team.work(session)
        if team.chance.random() < 0.6:
            fix = session.commit(team.message(), "fix to be picked")
        else:
            team.pause(60, 3600)
            fix = team.checkout.commit(team.person(), team.message(), "fix to be picked")
        session.end()
    else:
        person = team.person()
        team.write(person)
        fix = team.checkout.commit(person, team.message(), "fix to be picked")
    team.checkout.switch(release)
    team.pause(600, 40_000)
    team.checkout.cherry_pick(fix, team.person())
    team.checkout.switch("main")


def _branch(team: Team) -> tuple[str, list[CommitTruth], frozenset[str]]:
    """A branch of two to four commits by an agent and a person; we are on it."""
    team.branches += 1
    name = f"feature/ACME-{team.branches}-{Path(team.code.path(set())).stem.replace('_', '-')}"
    team.checkout.switch(name, new=True)
    session = team.session()
    commits, touched = [], set()
    for _ in range(team.chance.randint(1, 2)):
        touched |= set(team.work(session))
        if team.chance.random() < 0.6:
            commits.append(session.commit(team.message(), "on a branch"))
        else:
            team.pause(60, 3600)
            message = team.message()
            commits.append(team.checkout.commit(team.person(), message, "on a branch"))
    session.end()
    if team.chance.random() < 0.6:
        person = team.person()
        touched |= set(team.write(person))
        commits.append(team.checkout.commit(person, team.message(), "on a branch"))
    if team.chance.random() < 0.4:
        other = team.session()
        touched |= set(team.work(other))
        commits.append(other.commit(team.message(), "on a branch"))
        other.end()
    team.pause(600, 90_000)
    return name, commits, frozenset(touched)


def _meanwhile(team: Team, touched: frozenset[str]) -> None:
    person = team.person()
    team.write(person, except_for=touched)
    team.checkout.commit(person, team.message(), "person works")
    team.pause(60, 7200)


def _both(team: Team, commits: list[CommitTruth], tree: Tree) -> Tree:
    """The tree of main with what the branch changed."""
    changed = {path for each in commits for path in each.new}
    before = team.checkout.git("rev-parse", f"{commits[0].commit_hash}^").strip()
    base = team.checkout.history.trees[before]
    changed |= {path for path in base.keys() | tree.keys() if base.get(path) != tree.get(path)}
    kept = {path: lines for path, lines in team.checkout.tree.items() if path not in changed}
    return kept | {path: lines for path, lines in tree.items() if path in changed}


def _drop(team: Team, name: str, commits: list[CommitTruth]) -> None:
    """The branch is deleted, and its commits with it."""
    team.checkout.delete(name)
    for each in commits:
        del team.checkout.history.commits[each.commit_hash]
