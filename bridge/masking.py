"""Taking secrets out of what is written down: known values in every spelling they travel in, and values of telling keys."""

import base64
import html
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "********"
SHORTEST_SECRET = 4  # shorter ones would blot out half of the text, WHMCS says the same of its own masking
DEEPEST = 12

_TELLING = (
    r"[\w.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?hash|private[_-]?key|credential|authorization"
    r"|cookie|ticket|csrfpreventiontoken|hmac|signature)[\w.-]*"
)
_TELLING_KEY = re.compile(_TELLING, re.IGNORECASE)
_HARMLESS_KEY = re.compile(r"ticket_?(?:id|department)|revdns_ticket|token_?(?:id|name)|password_reset", re.IGNORECASE)
_IN_TEXT = [
    (re.compile(r"(PVEAPIToken=[^=\s\"']+=)[^\s\"',;]+"), rf"\g<1>{MASK}"),
    (re.compile(r"(PVEAuthCookie[=|])[^\s\"',;]+"), rf"\g<1>{MASK}"),
    (re.compile(r"\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~-]{8,}"), rf"\g<1> {MASK}"),
    (re.compile(rf'("{_TELLING}\\?"\s*:\s*\\?")(?:[^"\\]|\\.)*?(\\?")', re.IGNORECASE), rf"\g<1>{MASK}\g<2>"),
    (re.compile(rf"((?:^|[?&\s])(?!PVEAPIToken=){_TELLING}=)[^&\s\"']+", re.IGNORECASE), rf"\g<1>{MASK}"),
]


def mask_text(text: str, secrets: Collection[str] = ()) -> str:
    """`text` without the `secrets`, however they are spelled in it, and without the values of keys that tell by their name."""
    if spellings := sorted(set(_spellings(secrets)), key=len, reverse=True):
        text = re.sub("|".join(_any_case(spelling) for spelling in spellings), MASK, text)
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def mask(value: Any, secrets: Collection[str] = (), depth: int = 0) -> Any:
    """A copy of `value` of JSON types only, masked throughout; what is no JSON type becomes masked text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {mask_text(str(k), secrets): _of_key(str(k), v, secrets, depth) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(item, secrets, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray):
        value = value.decode("utf-8", "replace")
    return mask_text(str(value), secrets)


def _of_key(key: str, value: Any, secrets: Collection[str], depth: int) -> Any:
    telling = _TELLING_KEY.fullmatch(key) and not _HARMLESS_KEY.fullmatch(key)
    if telling and value not in (None, "", False):
        return MASK
    return mask(value, secrets, depth + 1)


def _any_case(spelling: str) -> str:
    """A pattern for `spelling` in which the hex digits of %2F and \\u00e9 may be of either case."""
    return re.sub(r"%[0-9A-F]{2}|\\\\u[0-9a-f]{4}", lambda found: f"(?i:{found[0]})", re.escape(spelling))


def _spellings(secrets: Collection[str]) -> Iterable[str]:
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            continue
        raw = secret.encode()
        yield secret
        for quoted in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
            yield quoted
            yield quote(quoted, safe="")
        for dumped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
            yield dumped
            yield dumped.replace("/", "\\/")
        yield html.escape(secret)
        yield html.escape(secret, quote=False)
        for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
            yield encoded.decode()
            if len(stripped := encoded.decode().rstrip("=")) >= 2 * SHORTEST_SECRET:
                yield stripped
