"""Agents in a devcontainer: their telemetry reaches this machine, their homes lie on it."""

from __future__ import annotations

import json

from agent_analytics_cli.setup.recipes.recipe import HOMES, Circumstances, Recipe

HOST = "host.docker.internal"
DEVELOPER = "${localEnv:AGENT_ANALYTICS_DEVELOPER_ID}"
API_KEY = "${localEnv:AGENT_ANALYTICS_API_KEY}"

_HOMES = f"${{localEnv:HOME}}/{HOMES}"
_ON_THE_HOST = f"{_HOMES}/${{localWorkspaceFolderBasename}}"
_INSIDE = "/agent-home"


def devcontainer(circumstances: Circumstances) -> Recipe:
    """Members for `devcontainer.json`.

    No name and no key is in them, because teams share that file: they come from variables of
    whoever opens the container.
    """
    settings, elsewhere = circumstances.settings, circumstances.answers.endpoint
    endpoint = elsewhere or f"http://{HOST}:{settings.grpc_port}"
    headers = {"x-developer-id": DEVELOPER} | ({"x-api-key": API_KEY} if elsewhere else {})
    members: dict[str, object] = {
        "initializeCommand": f'mkdir -p "{_ON_THE_HOST}" && chmod 700 "{_HOMES}"',
        "mounts": [f"source={_ON_THE_HOST},target={_INSIDE},type=bind"],
        "containerEnv": {
            # Each agent's own variable for its folder, so that the container's user is no matter.
            "CLAUDE_CONFIG_DIR": f"{_INSIDE}/.claude",
            "CODEX_HOME": f"{_INSIDE}/.codex",
            "GEMINI_CLI_HOME": _INSIDE,
            "COPILOT_HOME": f"{_INSIDE}/.copilot",
            **circumstances.claude_code(endpoint, headers),
            "GEMINI_TELEMETRY_ENABLED": "true",
            "GEMINI_TELEMETRY_TARGET": "local",
            "GEMINI_TELEMETRY_OTLP_ENDPOINT": endpoint,
            "GEMINI_TELEMETRY_OTLP_PROTOCOL": "grpc",
            "GEMINI_TELEMETRY_LOG_PROMPTS": "false",
            "GEMINI_TELEMETRY_TRACES_ENABLED": "false",
        },
    }
    variables = [f"export AGENT_ANALYTICS_DEVELOPER_ID={circumstances.answers.developer_id}"]
    notes = [
        "Add these members to .devcontainer/devcontainer.json and rebuild the container. With "
        "Docker Compose, mounts and runArgs become `volumes` and `extra_hosts` of the service.",
        "Each agent's folder then lies on this machine, logins included, and import reads its "
        "sessions from there: those of Codex and Copilot CLI, which have no variables of their own "
        "for telemetry, too. A request that telemetry told of as well counts once.",
        "OTEL_… holds for every program in the container that uses OpenTelemetry.",
        "Git hooks of this machine do nothing inside; commits that Claude Code, Codex, Gemini CLI "
        "or Copilot CLI made are known from their sessions.",
    ]
    if elsewhere:
        variables.append("export AGENT_ANALYTICS_API_KEY=…")
    else:
        members["runArgs"] = [f"--add-host={HOST}:host-gateway"]
        notes.append(
            f"Docker Desktop lets {HOST} reach a collector on 127.0.0.1. Docker on Linux does not: "
            "there start it as `agent-analytics up --host 0.0.0.0` behind a firewall, or leave "
            "telemetry out and import alone."
        )
    return Recipe(
        json.dumps(members, indent=2) + "\n", notes,
        [*variables, f"agent-analytics import --home ~/{HOMES}/FOLDER --machine devcontainer"],
    )  # fmt: skip
