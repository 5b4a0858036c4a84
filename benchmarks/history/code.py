"""Code that looks like code: Python and TypeScript from a grammar over word lists.

Names differ as they do in a real project; what everybody writes (imports, `return None`, license
headers, braces) is the same from everybody.
"""

from __future__ import annotations

import itertools
import random

_WORDS = """
load store parse render merge collect resolve publish fetch validate compute schedule archive
expand filter normalise encode decode register dispatch migrate rotate compare group sync convert
index trim sample estimate restore split attach refresh inspect prune build queue

invoice ledger customer order shipment parcel route tariff contract session account batch report
snapshot window segment policy quota payload manifest channel region price discount webhook
template digest schedule tenant catalogue basket refund receipt voucher device sensor reading
threshold cohort campaign

status amount owner created updated total weight currency retries labels region parent version
checksum priority offset limit cursor expires source target kind title width rate

pending stale active archived partial verified remote local final raw nested recent duplicate
expired locked
"""
_VERBS, _NOUNS, _PARTS, _ADJECTIVES = (words.split() for words in _WORDS.split("\n\n"))
_IMPORTS = {
    "py": ["import json", "import logging", "import os", "import re", "from pathlib import Path",
           "from typing import Any", "from datetime import datetime", "import time",
           "from dataclasses import dataclass", "from collections import defaultdict"],
    "ts": ["import fs from 'fs';", "import path from 'path';", "import { z } from 'zod';",
           "import type { Request, Response } from 'express';", "import { logger } from './log';"],
}  # fmt: skip
_LICENSE = {
    "py": ["# Copyright 2026 Acme GmbH", "# SPDX-License-Identifier: Apache-2.0"],
    "ts": ["// Copyright 2026 Acme GmbH", "// SPDX-License-Identifier: Apache-2.0"],
}
_SETUP = {"py": ["logger = logging.getLogger(__name__)"], "ts": ["const log = logger(__filename);"]}

_COMMON = {
    "py": ["return None", "result = []", "continue", "return result", "raise NotImplementedError",
           "except ValueError as error:", "pass", "return True", "return False"],
    "ts": ["return null;", "const result = [];", "continue;", "return result;", "break;",
           "return true;", "return false;"],
}  # fmt: skip


class CodeWriter:
    """Writes lines, each different from the last."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def path(self, known: set[str]) -> str:
        """A name for a new file, which nobody has."""
        while True:
            folder = self.chance.choice(("src", "src/core", "src/api", "web/src", "tests", "tools"))
            ending = "ts" if folder == "web/src" or self.chance.random() < 0.2 else "py"
            name = f"{self._of(_NOUNS)}_{self._of(_VERBS + _PARTS)}"
            path = f"{folder}/{'test_' if folder == 'tests' else ''}{name}.{ending}"
            if path not in known:
                return path

    def file(self, path: str) -> list[str]:
        """A new file: header, imports, two to five functions."""
        kind = _kind(path)
        lines = [*_LICENSE[kind], ""] if self.chance.random() < 0.7 else []
        lines += [*sorted(self.chance.sample(_IMPORTS[kind], 3)), ""]
        if self.chance.random() < 0.6:
            lines += [*_SETUP[kind], ""]
        for _ in range(self.chance.randint(2, 5)):
            lines += ["", *self.function(path)]
        return lines

    def function(self, path: str) -> list[str]:
        """A function of five to fifteen lines."""
        return self._python() if _kind(path) == "py" else self._typescript()

    def import_line(self, path: str) -> str:
        return self.chance.choice(_IMPORTS[_kind(path)])

    def statement(self, path: str, indent: str = "    ") -> str:
        """One line of a body; now and then one that everybody writes."""
        kind = _kind(path)
        if self.chance.random() < 0.15:
            return indent + self.chance.choice(_COMMON[kind])
        a, b, c = self._of(_NOUNS), self._of(_PARTS), self._of(_VERBS)
        number = self.chance.randint(2, 999)
        adjective = self._of(_ADJECTIVES)
        end = "" if kind == "py" else ";"
        start = "" if kind == "py" else "const "
        log = "logger.info" if kind == "py" else "log.info"
        return indent + self.chance.choice(
            (
                f"{start}{adjective}_{b} = {c}_{a}({b}, {number}){end}",
                f"{start}{a}_{b} = {a}.{b} + {number}{end}",
                f"{log}('{adjective} {a} {b}', {number}){end}",
                f"{a}.{b} = {adjective}_{a}.{b}{end}",
                f"{start}{a}s = {c}_{adjective}({a}_{b}, '{b}'){end}",
                f"{a}_{b}.{c}({adjective}_{b}[{number}], {b}){end}",
            )
        )

    def _python(self) -> list[str]:
        verb, noun, part, adjective = self._words()
        lines = [
            f"def {verb}_{adjective}_{noun}({noun}: Any, {part}: int = {self._number()}) -> Any:"
        ]
        if self.chance.random() < 0.5:
            lines.append(f'    """{verb.title()} the {adjective} {noun} by its {part}."""')
        lines += [f"    if not {noun}:", "        return None"]
        lines += [self.statement("x.py") for _ in range(self.chance.randint(1, 4))]
        if self.chance.random() < 0.7:
            lines += ["    result = []", f"    for each in {noun}.{part}s:"]
            lines += [
                f"        if each.{self._of(_PARTS)} > {self._number()}:",
                "            continue",
            ]
            lines += [f"        result.append({self._of(_VERBS)}_{noun}(each, {part}))"]
            lines += ["    return result"]
        else:
            lines += ["    try:", self.statement("x.py", "        ")]
            lines += ["    except ValueError as error:", f"        logger.error('{noun}', error)"]
            lines += [f"    return {adjective}_{part}"]
        return [*lines, ""]

    def _typescript(self) -> list[str]:
        verb, noun, part, adjective = self._words()
        name = f"{verb}{adjective.title()}{noun.title()}"
        lines = [f"export function {name}({noun}: {noun.title()}, {part}: number) {{"]
        lines += [f"  if (!{noun}) {{", "    return null;", "  }"]
        lines += [self.statement("x.ts", "  ") for _ in range(self.chance.randint(1, 4))]
        lines += ["  const result = [];", f"  for (const each of {noun}.{part}s) {{"]
        lines += [
            f"    result.push({self._of(_VERBS)}{noun.title()}(each, {self._number()}));",
            "  }",
        ]
        return [*lines, "  return result;", "}", ""]

    def _words(self) -> tuple[str, str, str, str]:
        return self._of(_VERBS), self._of(_NOUNS), self._of(_PARTS), self._of(_ADJECTIVES)

    def _of(self, words: list[str]) -> str:
        return self.chance.choice(words)

    def _number(self) -> int:
        return self.chance.randint(2, 500)


def _kind(path: str) -> str:
    return "ts" if path.endswith("ts") else "py"


def functions(texts: list[str]) -> list[tuple[int, int]]:
    """(first, after the last) of the functions in a file."""
    starts = [at for at, text in enumerate(texts) if text.startswith(("def ", "export function "))]
    return list(itertools.pairwise([*starts, len(texts)]))
