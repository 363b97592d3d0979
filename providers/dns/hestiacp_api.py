"""HestiaCP's commands over HTTP: a form posted to `/api/`, answered with a command's output or with its exit code.

Read in HestiaCP's source, 1.4 to 1.10 (github.com/hestiacp/hestiacp): web/api/index.php, func/main.sh,
web/inc/helpers.php. The answer to refused credentials is `Error: …` or a code, with HTTP 200 up to 1.6 and with HTTP 401
later; the output of a command that failed comes with HTTP 200 in all of them.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from providers.dns.http import HttpApi
from providers.errors import (
    AuthFailed,
    ChangedMeanwhile,
    Conflict,
    NotFound,
    Permanent,
    ProviderError,
    Rejected,
    Unavailable,
)

# Names are those of func/main.sh, meanings those of docs/server-administration/rest-api.
_CODES: Mapping[int, tuple[type[ProviderError], str, str]] = {
    1: (Rejected, "E_ARGS", "an argument is missing"),
    2: (Rejected, "E_INVALID", "the object or an argument is not valid"),
    3: (ChangedMeanwhile, "E_NOTEXIST", "the object does not exist"),
    4: (ChangedMeanwhile, "E_EXISTS", "the object exists already"),
    5: (Conflict, "E_SUSPENDED", "the user or the zone is suspended"),
    6: (Conflict, "E_UNSUSPENDED", "the object is not suspended"),
    7: (Conflict, "E_INUSE", "the object is in use"),
    8: (Rejected, "E_LIMIT", "the limit of the user's package is reached"),
    9: (AuthFailed, "E_PASSWORD", "the user name or the password is wrong"),
    10: (AuthFailed, "E_FORBIDEN", "not allowed: user name, password or our address"),  # spelled so in func/main.sh
    11: (Permanent, "E_DISABLED", "the API or the DNS server is disabled"),
    12: (Permanent, "E_PARSING", "HestiaCP's configuration is broken"),
    13: (Unavailable, "E_DISK", "the server's disk is full"),
    14: (Unavailable, "E_LA", "the server is too busy"),
    15: (Unavailable, "E_CONNECT", "the server does not reach another one"),
    19: (Unavailable, "E_UPDATE", "the update failed"),
    20: (Unavailable, "E_RESTART", "the record is written, but the DNS server did not restart"),
    21: (Permanent, "E_API_DISABLED", "the API is disabled"),
}

# Where HestiaCP answers with words: those of web/api/index.php, and of check functions in func/main.sh.
_WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    (r"authentication|not allowed to connect", AuthFailed),
    (r"disabled", Permanent),
    (r"does ?n[o']t exist", NotFound),
    (r"is suspended", Conflict),
)


class HestiaApi:
    """Commands as the user `admin` over `http`, whose base is the server's address. All methods raise ProviderError."""

    def __init__(self, http: HttpApi, admin: str, password: str) -> None:
        self._http = http
        self._login = {"user": admin, "password": password}

    @property
    def where(self) -> str:
        """Host and port, for error texts."""
        return self._http.where

    def read(self, command: str, *arguments: str) -> dict[str, Any]:
        """What a command lists as JSON; the format is to be among `arguments`. An empty list comes as an empty map."""
        answer = self._http.send("POST", "api/", data=self._form("no", command, arguments), looks=True)
        text = answer.content.decode("utf-8", "replace").strip()
        if text.startswith(("{", "[")):
            try:
                listed = json.loads(_with_lone_backslashes_doubled(text), strict=False)
            except ValueError:
                raise self._http.nonsense(answer) from None
            return listed if isinstance(listed, dict) else {}
        if re.match("error:", text, re.IGNORECASE):
            raise self._refusal(text)
        if text.isdigit():
            raise self._code(command, int(text))
        raise self._http.nonsense(answer)

    def run(self, command: str, *arguments: str) -> None:
        """A command that changes something; returns when it has succeeded."""
        answer = self._http.send("POST", "api/", data=self._form("yes", command, arguments))
        text = answer.content.decode("utf-8", "replace").strip()
        if re.match("error:", text, re.IGNORECASE):
            raise self._refusal(text)
        if not text.isdigit():
            raise self._http.nonsense(answer)
        if int(text):
            raise self._code(command, int(text))

    def _form(self, returncode: str, command: str, arguments: tuple[str, ...]) -> dict[str, str]:
        numbered = {f"arg{number}": argument for number, argument in enumerate(arguments, 1)}
        return {**self._login, "returncode": returncode, "cmd": command, **numbered}

    def _code(self, command: str, code: int) -> ProviderError:
        kind, name, meaning = _CODES.get(code, (Rejected, "an exit code", "its meaning is not documented"))
        return kind(f"{self.where}: {command} failed with {name} ({code}): {meaning}")

    def _refusal(self, text: str) -> ProviderError:
        """The error that HestiaCP's words are. With the API switched off, a code is glued to them."""
        words = re.sub(r"(?<=\D)\d{1,2}$", "", text) if "disabled" in text else text
        kind = next((kind for pattern, kind in _WORDS if re.search(pattern, words, re.IGNORECASE)), Rejected)
        return kind(f"{self.where}: {self._http.quotable(words)}")


def _with_lone_backslashes_doubled(text: str) -> str:
    """HestiaCP escapes the quotes of a value and nothing else (bin/v-list-dns-records); a TXT record may hold `\\;`."""
    return re.sub(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])?', lambda found: found[0] if found[1] else r"\\", text)
