"""Copying the DuckDB file while another process holds it: `python -m … SOURCE TARGET`.

A process of its own, because closing any descriptor of the file in the process that has it open
in DuckDB would drop its lock.
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent_analytics_collector.backup.folder import copy_file


def main() -> None:
    """Copy, durably, for the owner alone; what goes wrong is one line on stderr, exit code 1."""
    source, target = sys.argv[1:]
    try:
        copy_file(Path(source), Path(target))
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
