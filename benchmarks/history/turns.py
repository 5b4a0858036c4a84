"""Stories of what becomes of committed work: copied, formatted, renamed, amended, undone."""

from __future__ import annotations

from benchmarks.history.team import Team
from benchmarks.history.truth import CommitTruth, Line


def retyped(team: Team) -> None:
    """A person copies a function, perhaps an agent's, within a file and into another one."""
    person = team.person()
    editor = team.editor(person)
    for path in team.pick(1):
        team.checkout.files[path] = editor.copied(team.checkout.files[path])
        if team.chance.random() < 0.5:
            other = team.new_path().rsplit(".", 1)[0] + path[-3:]
            texts = [line.text for line in team.checkout.files[path]]
            keep = [text for text in texts if team.chance.random() < 0.8]
            team.checkout.files[other] = editor.lines(keep)
    team.pause(600, 5400)
    team.checkout.commit(person, team.message(), "person copies")


def formatter(team: Team) -> None:
    """A person runs a formatter over files, many of them agents'."""
    person = team.person()
    editor = team.editor(person)
    for path in team.pick(team.chance.randint(3, 8)):
        team.checkout.files[path] = editor.formatted(team.checkout.files[path])
    team.pause(30, 600)
    team.checkout.commit(person, "Format", "formatter")


def rename(team: Team) -> None:
    """A person or an agent renames a file and changes it."""
    for path in team.pick(1):
        to = team.new_path().rsplit(".", 1)[0] + path[-3:]
        session = team.session() if team.chance.random() < 0.6 else None
        team.checkout.files[to] = team.checkout.files.pop(path)
        if session:
            session.run(f"git mv {path} {to}")
            session.work_on(to)
            if team.chance.random() < 0.5:
                session.commit(team.message(), "rename")
            else:
                team.pause(60, 3600)
                team.checkout.commit(team.person(), team.message(), "rename")
            session.end()
        else:
            person = team.person()
            team.checkout.files[to] = team.editor(person).changed(to, team.checkout.files[to])
            team.checkout.commit(person, team.message(), "rename")


def amend(team: Team) -> None:
    """An agent commits; a person, or the agent, amends that. Not always does a hook see it."""
    session = team.session()
    paths = team.work(session)
    session.commit(team.message(), "amend")
    told = team.chance.random() < 0.7
    if team.chance.random() < 0.3:
        session.work_on(paths[0])
        session.commit(team.message(), "amend", amend=True, told=told)
    else:
        team.pause(60, 1800)
        person = team.person()
        file = team.checkout.files[paths[0]]
        team.checkout.files[paths[0]] = team.editor(person).with_lines(paths[0], file, 0.1)
        team.checkout.commit(person, team.message(), "amend", amend=True, told=told)
    session.end()


def revert(team: Team) -> None:
    """git reverts a commit, and sometimes brings it back."""
    for commit in _undoable(team):
        person = team.person()
        undone = team.checkout.revert(commit, person)
        if team.chance.random() < 0.3:
            team.pause(3600, 90_000)
            team.checkout.reapply(undone, commit, person)


def undo_by_hand(team: Team) -> None:
    """A person puts the files of a commit back to how they were."""
    for commit in _undoable(team):
        person = team.person()
        tree = team.checkout.parent_tree(commit.commit_hash)
        here = {line.key for lines in team.checkout.tree.values() for line in lines}
        for path in commit.new:
            if path in tree:
                team.checkout.files[path] = [
                    each if each.key in here else Line(each.text, person.name)
                    for each in tree[path]
                ]
            else:
                del team.checkout.files[path]
        team.pause(600, 3600)
        team.checkout.commit(person, "Go back to how it was", "reverted by hand")


def _undoable(team: Team) -> list[CommitTruth]:
    """One commit of late on this branch whose files nobody touched since; none without any."""
    inside = set(team.checkout.git("rev-list", "-40", "--min-parents=1", "HEAD").split())
    late = list(team.checkout.history.commits.values())[-25:]
    found = [
        each
        for each in late
        if each.commit_hash in inside and not each.is_merge and team.is_untouched(each)
    ]
    return [team.chance.choice(found)] if found else []


def nobodys_files(team: Team) -> None:
    """A lock file and a generated file change beside some code; an agent may have done it."""
    session = team.session() if team.chance.random() < 0.5 else None
    person = team.person()
    author = session.session_id if session else person.name
    for path in ("package-lock.json", "src/api/schema_pb2.py"):
        texts = [f'  "{team.code.statement("x.ts", "")}": "{n}",' for n in range(80)]
        team.checkout.files[path] = [Line(text, author) for text in texts]
    if session:
        session.run("npm install && make proto", "added 12 packages")
        session.work_on((team.pick(1) or [team.new_path()])[0])
        session.commit(team.message(), "lock and generated files")
        session.end()
    else:
        team.write(person)
        team.checkout.commit(person, team.message(), "lock and generated files")


def empty_commit(team: Team) -> None:
    team.checkout.commit(team.person(), "Trigger CI", "empty commit")
