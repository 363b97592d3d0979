"""Names made for a new VM: its host name by the product's rule, its FQDN, and random guest credentials."""

import random
import re
import string
from datetime import datetime

from bridge.package.hostnames import MAX_LABEL, ascii_domain, host_label

DEFAULT_RULE = "{client_id}-{service_id}"
MACROS = (
    "client_id",
    "service_id",
    "random_digit_X",
    "random_letter_X",
    "unixtime",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
)
USER_NAME_LENGTH = 8
PASSWORD_LENGTH = 16

_MACRO = re.compile(r"\{(random_digit|random_letter)_([0-9]{1,9})\}|\{([a-z_]+)\}")
_RANDOM = {"random_digit": string.digits, "random_letter": string.ascii_lowercase}


def vm_name(rule: str, *, client_id: int, service_id: int, now: datetime, rng: random.Random) -> str:
    """The VM's name by `rule`: macros expanded, then made a valid host name (one label, at most 63 characters).

    `now` is the time of provisioning in the zone that WHMCS shows. An empty rule, or one of which nothing usable remains,
    means the default rule. What is too long is cut so that the service ID stays at the end: two services never share a
    name because their names were cut. Unknown macros lose their braces like any other character a host name cannot have.
    """
    expanded = _expanded(rule.strip() or DEFAULT_RULE, _facts(client_id, service_id, now), rng)
    name = host_label(expanded) or f"{client_id}-{service_id}"
    if len(name) <= MAX_LABEL:
        return name
    tail = f"-{service_id}"
    return name[: MAX_LABEL - len(tail)].rstrip("-") + tail


def fqdn(name: str, main_domain: str) -> str:
    """The full host name: `name` under `main_domain`, whose leading and trailing dots do not matter [C-35].

    Without a main domain it is the name alone. Raises ValueError when the domain is none.
    """
    domain = ascii_domain(main_domain)
    return f"{name}.{domain}" if domain else name


def random_user_name(rng: random.Random) -> str:
    """A user name for cloud-init: a lower-case letter, then letters and digits. Pass a `secrets.SystemRandom`."""
    rest = string.ascii_lowercase + string.digits
    return rng.choice(string.ascii_lowercase) + "".join(rng.choices(rest, k=USER_NAME_LENGTH - 1))


def random_password(rng: random.Random) -> str:
    """A guest password of letters and digits with at least one of each kind. Pass a `secrets.SystemRandom`."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    everything = "".join(kinds)
    characters = [rng.choice(kind) for kind in kinds]
    characters += rng.choices(everything, k=PASSWORD_LENGTH - len(characters))
    rng.shuffle(characters)
    return "".join(characters)


def _facts(client_id: int, service_id: int, now: datetime) -> dict[str, str]:
    return {
        "client_id": str(client_id),
        "service_id": str(service_id),
        "unixtime": str(int(now.timestamp())),
        "year": f"{now.year:04}",
        "month": f"{now.month:02}",
        "day": f"{now.day:02}",
        "hour": f"{now.hour:02}",
        "minute": f"{now.minute:02}",
        "second": f"{now.second:02}",
    }


def _expanded(rule: str, facts: dict[str, str], rng: random.Random) -> str:
    def value(macro: re.Match[str]) -> str:
        kind, count, name = macro.groups()
        if kind:
            # More than a host name holds would only be cut off again.
            return "".join(rng.choices(_RANDOM[kind], k=min(int(count), MAX_LABEL)))
        return facts.get(name, macro.group())

    return _MACRO.sub(value, rule)
