"""Agents on a host that is reached over SSH: a tunnel for telemetry, a copy of their sessions."""

from __future__ import annotations

import json
import shlex

from agent_analytics_cli.setup.recipes.recipe import HOMES, Circumstances, Recipe, session_folders


def ssh(circumstances: Circumstances, host: str) -> Recipe:
    """Commands to run here; on the host nothing has to be installed."""
    settings, answers = circumstances.settings, circumstances.answers
    name = host.rpartition("@")[2]
    folder, quoted = f"~/{HOMES}/{shlex.quote(name)}", shlex.quote(host)
    # Gemini CLI keeps apart which folder is which project.
    folders = " ".join(map(str, [*session_folders(), ".gemini/projects.json"]))
    endpoint = answers.endpoint or f"http://127.0.0.1:{settings.grpc_port}"
    env = circumstances.claude_code(endpoint, {"x-developer-id": answers.developer_id})
    lines = [
        "# Its agents' sessions: copied here, imported, again whenever you like.",
        f"mkdir -p {folder} && chmod 700 ~/{HOMES}",
        f"ssh {quoted} 'tar -cf - $(ls -d {folders} 2> /dev/null)' | tar -xf - -C {folder}",
        f"agent-analytics import --home {folder} --machine {shlex.quote(name)}",
        "",
        "# Their telemetry, while you are logged in: ~/.ssh/config on this machine.",
        f"#   Host {name}",
        *(
            f"#     RemoteForward {port} 127.0.0.1:{port}"
            for port in (settings.grpc_port, settings.http_port)
            if not answers.endpoint
        ),
        "# And on the host, where agent-analytics is installed there as well:",
        f"#   agent-analytics init --endpoint {endpoint}",
        "# else by hand; for Claude Code these members of ~/.claude/settings.json:",
        *(f"#   {line}" for line in json.dumps({"env": env}, indent=2).splitlines()),
    ]
    notes = [
        "Session files hold what was said: the copy is readable by you alone, and import keeps no "
        "text of it.",
        "Telemetry that is sent while no tunnel is open is lost; the next copy tells the same "
        "requests.",
        "Or run a collector of its own there (`agent-analytics init`, then `up`): two of them do "
        "not share data.",
    ]
    return Recipe("\n".join(lines) + "\n", notes)
