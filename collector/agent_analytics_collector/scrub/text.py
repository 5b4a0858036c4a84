"""One text without secrets, card numbers and home folders."""

from __future__ import annotations

import re

from agent_analytics_collector.scrub.randomness import MIXED, WORD, is_random

FILTERED = "[Filtered]"
"""What stands in the place of a secret, as Sentry has it."""

# How keys begin, each with where it is described or was seen.
_KEYS = (
    r"sk-ant-[A-Za-z0-9_-]{8,}",  # Anthropic
    r"sk-(?=[A-Za-z_-]{0,99}[0-9])(?=[a-z0-9_-]{0,99}[A-Z])[A-Za-z0-9_-]{20,}",  # OpenAI
    r"sk-[0-9a-f]{32,}",  # DeepSeek
    r"gh[pousr]_[A-Za-z0-9]{16,}", r"github_pat_[A-Za-z0-9_]{22,}",
    r"gl(?:pat|dt|rt|ptt|oas)-[A-Za-z0-9_.-]{16,}",  # GitLab
    r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Z])",  # AWS
    r"xox[a-z]-[A-Za-z0-9-]{10,}", r"xapp-[A-Za-z0-9-]{10,}",  # Slack
    r"AIza[0-9A-Za-z_-]{35}", r"ya29\.[0-9A-Za-z_-]{20,}",  # Google
    r"npm_[A-Za-z0-9]{30,}", r"pypi-[A-Za-z0-9_-]{16,}", r"hf_[A-Za-z0-9]{30,}",
    r"dop_v1_[0-9a-f]{64}", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{20,}",  # Stripe
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",  # SendGrid
    r"key_[0-9a-f]{40,}",  # Cursor's admin keys
    r"dapi[0-9a-f]{32}", r"sntry[su]_[A-Za-z0-9_=+/-]{32,}",  # Databricks, Sentry
    r"glsa_[A-Za-z0-9_]{32,}", r"lin_api_[A-Za-z0-9]{32,}",  # Grafana, Linear
    r"hvs\.[A-Za-z0-9_-]{20,}", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",  # Vault, Telegram
    r"hooks\.slack\.com/services/[A-Za-z0-9/]+",
    r"AGE-SECRET-KEY-1[0-9A-Z]{20,}",
    r"eyJ[A-Za-z0-9_-]{8,500}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",  # JWT, ours among them
)  # fmt: skip
_KEY = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_KEYS)})")
_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_USERINFO = re.compile(
    r"(?<=://)(?:[^/\s@:\"']*:[^/\s\"']+|[^/\s@:\"']{20,})(?=@)", re.ASCII
)  # a password may hold an @, and a long name alone is a token
_SCHEME = re.compile(
    r"(?i)\b(bearer|basic|authorization: token)(\s+)[A-Za-z0-9._~+/=-]{12,}", re.ASCII
)
_ASSIGNED = re.compile(
    r"""(?aix)
    ( (?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key
        |private[_-]?key|token|credentials?) \\?["']? \s* ([=:]) \s* \\?["']? )
    ([^\s"'&;,\\)]{6,})"""
)
_FLAG = re.compile(
    r"""(?aix) (?<![a-z0-9-])
    ( --[a-z0-9-]{0,24}(?:password|passwd|passphrase|secret|key|token) \s+ \\?["']? )
    (?=[a-z_.+/=-]*[0-9]) ([^\s"'&;,\\)-][^\s"'&;,\\)]{5,})"""
)
_CARD = re.compile(r"(?<![\w.+-])[3-6](?:[ -]?[0-9]){12,18}(?![\w.-]|\.[0-9])", re.ASCII)
_HOME = re.compile(
    r"(?:(?<![\w.~/\\-])|(?<=file://))"
    r"(?:(?:/var|/usr|/export|/private|/mnt/[a-z]|/System/Volumes/Data|[A-Za-z]:)?/(?:home|Users)"
    r"|(?:/[a-z]|[A-Za-z]:)?(?P<windows>\\{1,2})Users)"
    r"(?:/|\\{1,2})(?!Shared\b|Public\b)[^/\\\s\"':;,<>|]+",
    re.ASCII,
)
_PROJECT_FOLDER = re.compile(r"(?<=/projects/)-(?:home|Users)-[^/-]+")
"""Claude Code names a project's folder by its path: `-home-ann-src-app`."""

SUSPICIOUS = (
    r"sk-|gh[pousr]_|github_pat_|gl[a-z]+-[A-Za-z0-9_.-]{16}|(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]|xox|xapp"
    r"|AIza|ya29|npm_|pypi-|hf_|dop_v1|shp[a-z]{2}_|[srp]k_|whsec_|SG[.]|key_[0-9a-f]|AGE-SECRET"
    r"|dapi[0-9a-f]|glsa_|sntry[su]_|lin_api_|hvs[.]|[0-9]:AA|hooks[.]slack"
    r"|(?i:--[a-z0-9-]*(?:key|token))(?:\s|\\[nrtf])"
    r"|eyJ[A-Za-z0-9_-]|PRIVATE KEY|://[^/\s@]*(?::[^/\s@]*|[^/\s@]{20})@|(?i:bearer|basic)(?:\s|\\[nrtfu])"
    r"|(?i:passw|passwd|pwd|passphrase|secret|(?:api|access|private|signing|encryption|session)"
    r"[^0-9A-Za-z]?key|credential|authorization|cookie|csrf|bearer|auth\"|token\\?[\"']?(?:\s|\\[nrtf]|\\u00..)*[=:])"
    r"|(?:^|[^0-9A-Za-z_.+-]|\\[nrtbf]|\\u00..)[3-6](?:[ -]?[0-9]){12}"
    r"|/(?:home|Users)/|\\Users\\|projects/-(?:home|Users)-"
    rf"|{MIXED}"
)  # fmt: skip
"""RE2: whatever `scrubbed` would change holds this, so that most texts need but one look."""


def scrubbed(text: str, *, random: bool = True) -> str:
    """The text with FILTERED for secrets and card numbers, and `~` for home folders.

    `random` also takes words that look random; it is False for text that holds ids.
    """
    text = _PEM.sub(FILTERED, text)
    text = _USERINFO.sub(FILTERED, text)
    text = _KEY.sub(FILTERED, text)
    text = _SCHEME.sub(rf"\1\2{FILTERED}", text)
    text = _ASSIGNED.sub(_assigned, text)
    text = _FLAG.sub(rf"\1{FILTERED}", text)
    text = _CARD.sub(_card, text)
    if random:
        text = WORD.sub(_random, text)
    return without_home(text)


def without_home(text: str) -> str:
    """The text with `~` for `/home/NAME`, `/Users/NAME` and `C:\\Users\\NAME`.

    By name alone, not by whose home it is here: a record means the same wherever it is scrubbed.
    """
    if "home" not in text and "Users" not in text:
        return text
    return _PROJECT_FOLDER.sub("-~", _HOME.sub("~", text))


def _assigned(found: re.Match[str]) -> str:
    value = found[3]
    if value.isdigit() or (found[2] == ":" and not any(map(str.isdigit, value))):
        return found[0]  # a count; a word behind a colon is prose
    return found[1] + FILTERED


def _card(found: re.Match[str]) -> str:
    digits = [int(character) for character in found[0] if character.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return found[0] if (sum(digits[-1::-2]) + sum(doubled)) % 10 else FILTERED


def _random(found: re.Match[str]) -> str:
    return FILTERED if is_random(found[0]) else found[0]
