"""Stories of work by agents and people on the main branch."""

from __future__ import annotations

from pathlib import Path

from benchmarks.history.notes import add_note
from benchmarks.history.team import Team

_TRAILERS = {
    "claude_code": "Claude <noreply@anthropic.com>",
    "codex": "Codex <noreply@openai.com>",
}


def agent_commits(team: Team) -> None:
    """An agent works and commits, once to three times in one session."""
    session = team.session()
    for _ in range(team.chance.choice((1, 1, 2, 3))):
        team.work(session)
        session.commit(team.message(), "agent commits")
    session.end()


def person_commits(team: Team) -> None:
    """An agent works; a person looks at it, changes little of it and commits later."""
    session = team.session()
    paths = team.work(session)
    session.end()
    _polish(team, paths, {session.session_id}, team.chance.choice((0.0, 0.0, 0.05, 0.12)))
    person = team.person()
    if team.chance.random() < 0.5:
        team.pause(120, 7200)
        team.checkout.commit(person, team.message(), "person commits agent's work")
    else:
        team.shelve(person, "person commits agent's work", team.chance.uniform(0.3, 6))


def person_rewrites(team: Team) -> None:
    """An agent works; a person rewrites a third to three quarters of it and commits."""
    session = team.session()
    paths = team.work(session)
    session.end()
    _polish(team, paths, {session.session_id}, team.chance.uniform(0.3, 0.75))
    team.pause(1200, 7200)
    team.checkout.commit(team.person(), team.message(), "person rewrote agent's work")


def person_works(team: Team) -> None:
    """A person works without an agent."""
    person = team.person()
    for _ in range(team.chance.choice((1, 1, 2))):
        team.write(person)
        team.checkout.commit(person, team.message(), "person works")


def both_in_a_commit(team: Team) -> None:
    """A person and an agent edit the same files for one commit."""
    session, person = team.session(), team.person()
    paths = team.work(session)
    editor = team.editor(person)
    for path in paths:
        team.checkout.files[path] = editor.with_function(path, team.checkout.files[path])
    session.end()
    team.pause(600, 5400)
    team.checkout.commit(person, team.message(), "person and agent")


def two_agents(team: Team) -> None:
    """Two agents work at the same time, also in one file; a person commits it as one."""
    first, second = team.session("claude_code"), team.session("codex")
    mine = team.work(first)
    team.work(second, except_for=frozenset(mine))
    if team.chance.random() < 0.5:
        second.work_on(mine[0])
    for session in (first, second):
        session.end()
    team.pause(60, 3600)
    team.checkout.commit(team.person(), team.message(), "two agents in a commit")


def parallel_sessions(team: Team) -> None:
    """Two sessions at the same time, each committing its own files; one in another work tree."""
    other = Path(f"/home/dev/worktrees/widgets-{team.chance.randint(2, 9)}")
    first, second = team.session(), team.session(folder=other)
    mine = team.work(first)
    theirs = team.work(second, except_for=frozenset(mine))
    first.commit(team.message(), "parallel sessions", mine)
    if team.chance.random() < 0.5:
        second.commit(team.message(), "parallel sessions", theirs)
    else:
        team.pause(60, 1800)
        team.checkout.commit(team.person(), team.message(), "parallel sessions", paths=theirs)
    for session in (first, second):
        session.end()


def split_commits(team: Team) -> None:
    """One session's work in several commits of a person, file by file."""
    session = team.session()
    paths = list(dict.fromkeys(team.work(session) + team.work(session)))
    session.end()
    for path in paths:
        team.pause(60, 7200)
        team.checkout.commit(team.person(), team.message(), "one session, split", paths=[path])


def abandoned(team: Team) -> None:
    """A session whose work is thrown away; a person solves it otherwise, retyping some of it."""
    session = team.session()
    paths = team.work(session)
    session.end()
    thrown = {path: team.checkout.files[path] for path in paths}
    team.checkout.discard()
    team.pause(1800, 7200)
    person = team.person()
    editor = team.editor(person)
    for path in paths:
        if path in team.checkout.files:
            team.checkout.files[path] = editor.changed(path, team.checkout.files[path])
        else:
            own = editor.new_file(path)
            texts = [line.text for line in thrown[path] if team.chance.random() < 0.3]
            team.checkout.files[path] = own + editor.lines(texts)
    team.checkout.commit(person, team.message(), "after an abandoned session")


def beside_a_session(team: Team) -> None:
    """A person commits own work while a session, which only reads, is active."""
    session, person = team.session(), team.person()
    session.run("grep -rn TODO src", "src/a.py:1: # TODO")
    team.write(person)
    session.run("pytest -q", "12 passed")
    team.checkout.commit(person, team.message(), "beside a session")
    session.end()


def by_shell(team: Team) -> None:
    """An agent writes with scripts, so that no edit tells of it; it or a person commits."""
    session = team.session(tells_edits=False)
    team.work(session)
    if team.chance.random() < 0.5:
        session.commit(team.message(), "agent writes by shell")
    else:
        team.pause(10, 200)
        team.checkout.commit(session.developer, team.message(), "agent writes by shell")
    session.end()


def trailer_only(team: Team) -> None:
    """Work of an agent on another machine: a trailer is all there is."""
    session = team.session(has_file=False)
    team.work(session)
    agent = session.agent
    name = (
        "Claude <noreply@anthropic.com>" if agent == "claude_code" else "Codex <noreply@openai.com>"
    )
    message = f"{team.message()}\n\nCo-authored-by: {name}"
    team.checkout.commit(session.developer, message, "trailer only", marker=agent)
    session.end()


def noted(team: Team) -> None:
    """A git-ai note tells of the lines; a session file may be there as well."""
    session = team.session(has_file=team.chance.random() < 0.6)
    paths = team.work(session)
    session.end()
    person = team.person()
    _polish(team, paths, {session.session_id}, team.chance.choice((0.0, 0.3)), person.name)
    team.pause(60, 3600)
    commit = team.checkout.commit(person, team.message(), "git-ai note")
    add_note(team.checkout, commit, team.checkout.history.sessions, person, team.chance)


def too_late(team: Team) -> None:
    """An agent's work that is committed after more than three weeks: no rule covers it."""
    session = team.session()
    team.work(session)
    session.end()
    team.shelve(team.person(), "committed after three weeks", team.chance.uniform(23, 30))


def _polish(
    team: Team, paths: list[str], authors: set[str], share: float, name: str | None = None
) -> None:
    editor = team.editor(team.person())
    editor.author = name or editor.author
    for path in paths:
        file = team.checkout.files[path]
        team.checkout.files[path] = editor.touched(path, file, authors, share)
