"""Host names: what is one, and how text of any kind is made into one."""

import re
import unicodedata

import idna

MAX_LABEL = 63
MAX_NAME = 253

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NOT_IN_LABEL = re.compile(r"[^a-z0-9]+")


def ascii_domain(domain: str) -> str:
    """`domain` in lower-case ASCII (IDNA) without leading and trailing dots; "" stays "". Raises ValueError.

    ".example.com", "example.com." and "example.com" are the same domain [C-35].
    """
    bare = domain.strip().strip(".")
    if not bare:
        return ""
    try:
        encoded = idna.encode(bare, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise ValueError(f'"{domain}" is not a domain name') from None
    if len(encoded) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in encoded.split(".")):
        raise ValueError(f'"{domain}" is not a domain name')
    return encoded


def is_domain(text: str) -> bool:
    """Whether `text` is a domain name that leaves room for a host name in front of it."""
    try:
        return 0 < len(ascii_domain(text)) <= MAX_NAME - MAX_LABEL - 1
    except ValueError:
        return False


def host_label(text: str) -> str:
    """`text` in the letters, digits and hyphens of a host name, of any length; "" when nothing usable is left.

    Letters lose their accents ("Zoë" gives "zoe"); every other run of characters, dots included, becomes one hyphen.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _NOT_IN_LABEL.sub("-", plain.lower()).strip("-")
