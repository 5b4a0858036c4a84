"""Agents in a CI job: a collector beside them, or the organisation's; what they cost as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping

from agent_analytics_cli.setup.recipes.recipe import Circumstances, Recipe

GITHUB, GITLAB = "github", "gitlab"
_PROMPT = "What the agent is to do"
_REPORT = "agent-costs.json"
_LOG = "agent-analytics.log"
_INSTALL = "pip install agent-analytics"
_NODE = "24"
"""Claude Code wants 22 at least (2.1.330), which Debian, and so an image of Python, is behind."""
_BRING_PYTHON = (
    "apt-get update --quiet && apt-get install --yes --quiet python3-venv",
    "python3 -m venv /opt/python && . /opt/python/bin/activate",
)
"""Into an image of Node, which is a Debian."""
_INSTALL_AGENT = "npm install --global @anthropic-ai/claude-code"
_GRPC, _API = 4317, 8321
_START = (
    f"agent-analytics up --no-demo --no-import > {_LOG} 2>&1 &",
    "curl --silent --fail --retry 60 --retry-delay 1 --retry-all-errors --output /dev/null "
    f"http://127.0.0.1:{_API}/readyz",
)

_GITHUB = """\
# .github/workflows/agent.yml
name: agent
on: workflow_dispatch
jobs:
  agent:
    runs-on: ubuntu-latest
    env:
{job_env}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Install agent-analytics
        run: {install}
      - uses: actions/setup-node@v4
        with:
          node-version: "{node}"
      - name: Install Claude Code
        run: {install_agent}
{start}\
      - name: The agent
        env:
          ANTHROPIC_API_KEY: ${{{{ secrets.ANTHROPIC_API_KEY }}}}
{agent_env}
        run: claude --print {prompt}
      - name: What it cost
        if: always()
        run: |
{collect}
{artefact}"""
_START_STEP = """\
      - name: Start the collector
        run: |
{lines}
"""
_GITHUB_ARTEFACT = f"""\
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: agent-costs
          path: {_REPORT}
"""
_GITLAB = """\
# .gitlab-ci.yml
agent:
  image: node:{node}
  variables:
{variables}
  script:
{script}
{artefact}"""
_GITLAB_ARTEFACT = f"""\
  artifacts:
    when: always
    paths:
      - {_REPORT}
"""


def ci(circumstances: Circumstances, system: str) -> Recipe:
    """A job for GitHub Actions or GitLab CI in which Claude Code works and its cost is kept."""
    return _github(circumstances) if system == GITHUB else _gitlab(circumstances)


def _github(circumstances: Circumstances) -> Recipe:
    actor, key = "${{ github.actor }}", "${{ secrets.AGENT_ANALYTICS_API_KEY }}"
    job_env = _job_env(circumstances, actor, key)
    collect = _collect(circumstances, "github-actions")
    if circumstances.answers.backend_url is None:
        collect += [
            "{ echo '```'; agent-analytics report; echo '```'; } >> \"$GITHUB_STEP_SUMMARY\""
        ]
    start = _START_STEP.format(lines=_indented(_START, 10))
    is_local = circumstances.answers.backend_url is None
    text = _GITHUB.format(
        job_env=_mapping(job_env, 6),
        install=_INSTALL,
        node=_NODE,
        install_agent=_INSTALL_AGENT,
        start=start if is_local else "",
        agent_env=_mapping(_agent_env(circumstances, actor, key), 10),
        prompt=json.dumps(_PROMPT),
        collect=_indented(collect, 10),
        artefact=_GITHUB_ARTEFACT if is_local else "",
    )
    return Recipe(text, _notes(circumstances))


def _gitlab(circumstances: Circumstances) -> Recipe:
    actor, key = "$GITLAB_USER_LOGIN", "$AGENT_ANALYTICS_API_KEY"
    is_local = circumstances.answers.backend_url is None
    # A secret that is set in the project's settings is there already.
    job_env = _job_env(circumstances, actor, None)
    # One shell runs all lines: the collector lives until the last of them.
    script = [
        *_BRING_PYTHON,
        _INSTALL,
        _INSTALL_AGENT,
        *(_START if is_local else ()),
        f"claude --print {json.dumps(_PROMPT)} || failed=1",
        *_collect(circumstances, "gitlab-ci"),
        'test -z "$failed"',
    ]
    text = _GITLAB.format(
        node=_NODE,
        variables=_mapping(job_env | _agent_env(circumstances, actor, key), 4),
        script="\n".join(f"    - {line}" for line in script),
        artefact=_GITLAB_ARTEFACT if is_local else "",
    )
    return Recipe(text, _notes(circumstances))


def _job_env(circumstances: Circumstances, actor: str, key: str | None) -> dict[str, str]:
    env = {"AGENT_ANALYTICS_DEVELOPER_ID": actor}
    if circumstances.answers.backend_url is None:
        return env | {
            "AGENT_ANALYTICS_GRPC_PORT": str(_GRPC),
            "AGENT_ANALYTICS_API_PORT": str(_API),
        }
    env["AGENT_ANALYTICS_BACKEND_URL"] = circumstances.answers.backend_url
    return env | ({"AGENT_ANALYTICS_API_KEY": key} if key else {})


def _agent_env(circumstances: Circumstances, actor: str, key: str) -> dict[str, str]:
    elsewhere = circumstances.answers.endpoint
    headers = {"x-developer-id": actor} | ({"x-api-key": key} if elsewhere else {})
    return circumstances.claude_code(elsewhere or f"http://127.0.0.1:{_GRPC}", headers)


def _collect(circumstances: Circumstances, machine: str) -> list[str]:
    """What to run after the agent: its session files tell what its telemetry did not."""
    lines = [f"agent-analytics import --machine {machine}"]
    if circumstances.answers.backend_url is None:
        lines += [
            "agent-analytics flush",
            "agent-analytics transform",
            f"agent-analytics report --json > {_REPORT}",
        ]
    return lines


def _notes(circumstances: Circumstances) -> list[str]:
    notes = [
        f"`{_INSTALL}` may name a wheel or a repository instead, where your package index has none "
        "of that name.",
        "For Codex, Gemini CLI or Copilot CLI put their command and package in place of Claude "
        "Code's: import reads the sessions that they leave in the job's home folder.",
    ]
    if circumstances.answers.backend_url:
        return [
            *notes,
            "Keep the key as the secret AGENT_ANALYTICS_API_KEY of the repository or project.",
        ]
    return [
        *notes,
        f"The job's numbers end up in {_REPORT} alone. To have them beside your own, let the job "
        "report to a collector that it can reach: --backend URL.",
    ]


def _mapping(values: Mapping[str, str], indentation: int) -> str:
    return _indented([f"{name}: {json.dumps(value)}" for name, value in values.items()],
                     indentation)  # fmt: skip


def _indented(lines: list[str] | tuple[str, ...], indentation: int) -> str:
    return "\n".join(" " * indentation + line for line in lines)
