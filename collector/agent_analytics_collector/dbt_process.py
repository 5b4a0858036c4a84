"""dbt that ends with the process that started it: `python -m …collector.dbt_process`.

Whoever runs it holds its standard input. A dbt whose starter was killed would keep the DuckDB
file from everybody for as long as it runs. Arguments are dbt's own.
"""

from __future__ import annotations

import gc
import os
import sys
import threading

STOPPED = 143
"""The exit code of a process that SIGTERM ended."""


def main() -> None:
    threading.Thread(target=_end_with_starter, daemon=True).start()
    from dbt.cli.main import cli  # 1-3 s

    gc.disable()  # a tenth of a run went into looking through dbt's manifest for garbage

    cli()


def _end_with_starter() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(STOPPED)  # as good as kill -9: DuckDB keeps what was committed and nothing else


if __name__ == "__main__":
    main()
