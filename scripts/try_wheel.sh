#!/usr/bin/env bash
# Builds the wheel and uses it where nothing else is installed: help, the demo, and dbt from a shell.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m build --wheel --outdir "$work/dist" . >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
.venv/bin/python -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet "$work"/dist/*.whl
cd "$work"
export AGENT_ANALYTICS_HOME="$work/home"
"$work/venv/bin/agent-analytics" --help
"$work/venv/bin/agent-analytics" up --demo --once --grpc-port 0 --http-port 0 --api-port 0
bundle=$("$work/venv/bin/python" -c 'from agent_analytics_cli.assets import dbt_project; print(dbt_project())')
case "$bundle" in "$work"/*) ;; *) echo "dbt project is not the wheel's own: $bundle"; exit 1 ;; esac
"$work/venv/bin/dbt" build --project-dir "$bundle" --profiles-dir "$bundle" --quiet
echo "wheel ok"
