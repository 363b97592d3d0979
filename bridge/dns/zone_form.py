"""What a zone's form asks for, provider by provider, and the check of what was typed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.dns.connection import CLOUDFLARE, HESTIACP, POWERDNS, PROVIDERS
from bridge.dns.names import zone_name

KEEP = "__KEEP__"  # what a form shows, and sends back, in place of a stored secret


class ZoneRefused(Exception):
    """A zone cannot be stored or used as asked; one line that names every field that is wrong."""

    kind = "permanent"
    who = "admin"


@dataclass(frozen=True)
class Entry:
    """One field of the form: its column, its label, and whether it must be filled in and may not be shown again."""

    column: str
    label: str
    required: bool = True
    secret: bool = False


ENTRIES: Mapping[str, tuple[Entry, ...]] = {
    CLOUDFLARE: (
        Entry("account_id", "Account ID", required=False),
        Entry("zone_id", "Zone ID", required=False),
        Entry("api_token", "API Token", secret=True),
    ),
    HESTIACP: (
        Entry("server", "Server URL"),
        Entry("admin", "Admin User"),
        Entry("password", "Admin Password", secret=True),
        Entry("user", "User"),
    ),
    POWERDNS: (Entry("server", "Server URL"), Entry("api_key", "API Key", secret=True)),
}
COLUMNS = tuple(dict.fromkeys(entry.column for entries in ENTRIES.values() for entry in entries))
SECRETS = tuple(dict.fromkeys(entry.column for entries in ENTRIES.values() for entry in entries if entry.secret))


def read_form(typed: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """All columns of a zone out of what was `typed`; secrets that were left alone keep their value from `stored`.

    What the provider has no use for becomes empty. Raises ZoneRefused with all that is wrong.
    """
    unknown = sorted(set(typed) - {"zone", "type", *COLUMNS})
    if unknown:
        raise ZoneRefused(f"a zone has no field {', '.join(unknown)}")
    kind = typed.get("type", stored.get("type", "")).strip().lower()
    if kind not in PROVIDERS:
        raise ZoneRefused(f"Type: must be one of {', '.join(PROVIDERS)}")
    wrong: list[str] = []
    values = {"type": kind, **dict.fromkeys(COLUMNS, "")}
    values["zone"] = _zone(typed.get("zone", stored.get("zone", "")), wrong)
    same_provider = stored.get("type") == kind
    for entry in ENTRIES[kind]:
        values[entry.column] = _value(entry, typed, stored if same_provider else {}, wrong)
    if wrong:
        raise ZoneRefused("; ".join(wrong))
    return values


def _zone(text: str, wrong: list[str]) -> str:
    try:
        return zone_name(text)
    except ValueError as error:
        wrong.append(f"Zone: {error}")
        return ""


def _value(entry: Entry, typed: Mapping[str, str], stored: Mapping[str, str], wrong: list[str]) -> str:
    text = typed.get(entry.column, stored.get(entry.column, "") if not entry.secret else "").strip()
    if entry.secret and text in ("", KEEP):
        text = stored.get(entry.column, "")
    if entry.required and not text:
        wrong.append(f"{entry.label}: must be filled in")
    elif len(text) > (1000 if entry.secret else 255) or not text.isprintable():
        wrong.append(f"{entry.label}: must be one line of at most {1000 if entry.secret else 255} characters")
    elif entry.column == "server" and text:
        text = _url(text, wrong)
    return text


def _url(text: str, wrong: list[str]) -> str:
    """An address with scheme and exactly one trailing slash, the form in which the old module stores it."""
    url = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        wrong.append("Server URL: must be like https://dns.example.com:8081, without user name and password")
    return url.rstrip("/") + "/"
