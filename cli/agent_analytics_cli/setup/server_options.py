"""The options of `init` that name a team's server, and what they come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import rich_click as click

from agent_analytics_cli.output import note
from agent_analytics_cli.setup.forwards import SERVER, headers_name, with_forward
from agent_analytics_cli.setup.questions import check_key, has_terminal, read_api_key
from agent_analytics_cli.setup.server import find_server
from agent_analytics_collector.addresses import is_loopback
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import Forward
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import read_service

Command = TypeVar("Command", bound=Callable[..., Any])


def server_options(command: Command) -> Command:
    """Add the options to a command."""
    options = (
        click.option(
            "--server", metavar="URL", help="Send to a team's server too, whose API this is."
        ),
        click.option(
            "--key-file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
            help="File with the key for --server; - is standard input.",
        ),
        click.option(
            "--key", help="The key itself, which others on this machine see; - is standard input."
        ),
        click.option(
            "--direct", is_flag=True,
            help="Have agents and commands send to --server, with no collector here.",
        ),
        click.option(
            "--ca-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="PEM file of who vouches for --server's certificate, if the system does not.",
        ),
        click.option(
            "--keep-receivers", is_flag=True,
            help="Have agents that send elsewhere send here, and send that on to there.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def flags_for_server(home: Home, settings: Settings, given: dict[str, Any]) -> dict[str, Any]:
    """The flags of `init` without those of the server, and what these mean in their place.

    The server is asked whether it takes the key. Raises ServerUnusable, BadSetting.
    """
    flags = dict(given)
    named = {name: flags.pop(name) for name in ("server", "key_file", "key", "direct", "ca_file")}
    url = named["server"]
    if url is None:
        for name in ("key_file", "key", "direct", "ca_file"):
            if named[name]:
                option = name.replace("_", "-")
                raise click.UsageError(f"--{option} is about --server, which is not given.")
        return flags
    if flags.get("backend") is not None:
        raise click.UsageError("--server and --backend are two ways to name one: give one.")
    if named["direct"] and named["ca_file"]:
        raise click.UsageError(
            "With --direct each agent trusts whom it trusts itself: set SSL_CERT_FILE and "
            "NODE_EXTRA_CA_CERTS where they start."
        )
    key = _key(settings, named["key"], named["key_file"])
    endpoint = None if named["direct"] else flags.pop("endpoint", None)
    server = find_server(url, key, endpoint, named["ca_file"], telemetry=not named["direct"])
    if server.endpoint and _is_here(home, server.endpoint):
        raise click.UsageError(
            f"{server.endpoint} is this home's own collector, to which nothing is sent on. "
            "--direct has agents here send to it with that key."
        )
    if url.startswith("http://") and not is_loopback(url):
        note(f"{url} is no https address: the key travels readable to whoever is on the way.")
    if server.developer_id and flags.get("developer_id") is None:
        flags["developer_id"] = server.developer_id
    if server.endpoint is None:
        rest = with_forward(home, settings.forward, SERVER, None)
        return flags | {"backend": server.api, "api_key": key, "forward": rest}
    ca_file = str(named["ca_file"].absolute()) if named["ca_file"] else None
    forward = Forward(
        server.endpoint, server.api, headers_file=headers_name(home, SERVER), ca_file=ca_file
    )
    return flags | {
        "backend": "local",
        "forward": with_forward(home, settings.forward, SERVER, forward),
        "forward_headers": {SERVER: {"x-api-key": key}},
    }


def _is_here(home: Home, endpoint: str) -> bool:
    """Whether it is the OTLP/HTTP of the collector that runs in this home."""
    service = read_service(home)
    return (
        service is not None
        and is_loopback(endpoint)
        and (urlsplit(endpoint).port == service.http_port)
    )


def _key(settings: Settings, given: str | None, file: Path | None) -> str:
    if given is not None and file is not None:
        raise click.UsageError("--key and --key-file are two ways to name one: give one.")
    if given == "-":
        file = Path("-")
    elif given is not None:
        note(
            "A key on the command line is seen by whoever lists processes, and stays in the "
            "shell's history: --key-file FILE or --key - keep it to yourself."
        )
    key = check_key(given or "", "--key") if file is None else read_api_key(file)
    if key is None and file is None and given is None:
        key = settings.api_key
        if key is None and has_terminal():
            key = check_key(
                click.prompt("Key for the server (hidden)", hide_input=True, err=True), "answer"
            )
    if key is None:
        raise click.UsageError("--server needs a key: --key-file FILE, or --key - for stdin.")
    return key
