"""`python -m benchmarks [NAME …] [--quick] [--json FILE]`: measure, print, judge nothing."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.figures import Measurement, Size

NAMES = (
    "acknowledge",
    "load",
    "delay",
    "help",
    "leases",
    "idle",
    "hooks",
    "import_sessions",
    "report",
    "dbt_growth",
    "statusline",
    "fresh",
    "cold",
    "attribution",
    "installations",
)
_PACKAGES = ("duckdb", "grpcio", "protobuf", "pyarrow")
_BUSY = 0.5
"""Load average a core from which the figures are to be doubted."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when none is given"
    )
    parser.add_argument("--quick", action="store_true", help="a minute or less each")
    parser.add_argument("--tiny", action="store_true", help="only see that everything runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rounds to FILE")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no measurement {unknown[0]!r}; there are {', '.join(NAMES)}")
    size = Size.TINY if arguments.tiny else Size.QUICK if arguments.quick else Size.FULL
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    machine = _machine(size)
    print(", ".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    if machine["load_average"] > _BUSY * machine["cores"]:
        print("The machine is busy: doubt these figures.", file=sys.stderr)
    done: dict[str, Any] = {}
    for name in arguments.names or NAMES:
        began = time.monotonic()
        measurement: Measurement = importlib.import_module(f"benchmarks.{name}").measure(size)
        print(f"\n{measurement.as_text()}\n  ({time.monotonic() - began:.0f} s)", flush=True)
        done[name] = measurement.as_json()
        if arguments.json:
            report = {"machine": machine, "measurements": done}
            arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _machine(size: Size) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "size": size.value,
        "cores": os.cpu_count() or 1,
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


if __name__ == "__main__":
    main()
