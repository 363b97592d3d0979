"""HestiaCP's API in process: web/api/index.php and the commands for DNS, after the source of 1.4 to 1.10.

Told from the source are the form, the order of arguments, exit codes, what is refused and with which words, ids, the
output of listings, and that a change is served only once the DNS server has read the zone's file (up to 1.6; later it
does at once).
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from providers.dns.hestiacp import HestiaZone

from .dns_wire import FakeServer, Reply, Sent

INVALID, NOT_THERE, EXISTS, SUSPENDED, LIMIT, PASSWORD, FORBIDDEN = 2, 3, 4, 5, 8, 9, 10
ADDRESSES = {"A": IPv4Address, "AAAA": IPv6Address}
HOST_NAMES = ("NS", "CNAME", "MX", "PTR", "SRV")

Row = dict[str, str]


class Exit(Exception):
    """A command that ends with a code other than 0, and what it prints."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class FakeHestia(FakeServer):
    """A panel with one user's zone `name`.

    `statuses` False = refused credentials come with HTTP 200, as up to 1.6. `spelling` is the zone's name as it was
    typed there. `limit` is the number of records that the user's package allows, `allows_us` whether our address may
    use the API. `served` are the records that the DNS server has read.
    """

    server = "https://hestia.example.com:8083"
    admin, password, user = "admin", "Sehr+geheim & lang=ja", "alice"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.spelling = name
        self.rows: dict[int, Row] = {}
        self.served: dict[int, Row] = {}
        self.restarts = 0
        self.statuses = True
        self.limit = 1000
        self.suspended = False
        self.allows_us = True

    def zone(self, **options: Any) -> HestiaZone:
        """The adapter for this zone."""
        values: dict[str, Any] = {
            "name": self.spelling,
            "server": self.server,
            "admin": self.admin,
            "password": self.password,
        }
        return HestiaZone(**{**values, "user": self.user, "adapter": self, "pause": _never, **options})

    def put(self, record: str, record_type: str, *values: str, suspended: str = "no") -> None:
        """Have these records under a name relative to the zone and a type, and no other."""
        self.rows = {id: row for id, row in self.rows.items() if (row["RECORD"], row["TYPE"]) != (record, record_type)}
        for value in values:
            self._append(record, record_type, value, "14400")
            self.rows[max(self.rows)]["SUSPENDED"] = suspended
        self.served = {id: dict(row) for id, row in self.rows.items()}

    def values(self, record: str, record_type: str) -> list[str]:
        """What is under name and type, by id."""
        return [row["VALUE"] for row in self.rows.values() if (row["RECORD"], row["TYPE"]) == (record, record_type)]

    @property
    def commands(self) -> list[list[str]]:
        """The commands so far, each with its arguments."""
        return [[sent.form["cmd"], *_arguments(sent.form)] for sent in self.sent]

    def answer(self, sent: Sent) -> Reply:
        """What web/api/index.php makes of a request."""
        if (sent.method, sent.path) != ("POST", "/api/"):
            return Reply(404, "<html><body>404 Not Found</body></html>")
        form, code_only = sent.form, sent.form.get("returncode") == "yes"
        if not self.allows_us:
            return self._refuse(FORBIDDEN, "Error: IP is not allowed to connect with API", code_only)
        if form.get("user") != self.admin:
            return self._refuse(FORBIDDEN, "Error: authentication failed", code_only)
        if form.get("password") != self.password:
            return self._refuse(PASSWORD, "Error: authentication failed", code_only)
        try:
            printed, code = self._run(form["cmd"], [argument.strip() for argument in _arguments(form)]), 0
        except Exit as failed:
            printed, code = f"Error: {failed}", failed.code
        return Reply(200, str(code) if code_only else printed or "OK")

    def _refuse(self, code: int, words: str, code_only: bool) -> Reply:
        if not self.statuses:
            return Reply(200, words)
        return Reply(401, str(code) if code_only else words, {"Hestia-Exit-Code": str(code)})

    def _run(self, command: str, arguments: list[str]) -> str:
        commands: Mapping[str, Callable[..., str]] = {
            "v-list-dns-domains": self._list_zones,
            "v-list-dns-records": self._list,
            "v-add-dns-record": self._add,
            "v-change-dns-record": self._change,
            "v-delete-dns-record": self._delete,
            "v-restart-dns": self._restart,
        }
        return commands[command](*arguments)

    def _list_zones(self, user: str, format: str) -> str:
        self._check(user)
        return f'{{\n    "{self.spelling}": {{\n        "IP": "192.0.2.250",\n        "SUSPENDED": "no"\n    }}\n}}'

    def _list(self, user: str, domain: str, format: str) -> str:
        self._check(user, domain)
        shown = ("RECORD", "TYPE", "PRIORITY", "VALUE", "ID", "SUSPENDED", "TTL")
        rows = []
        for id, row in self.rows.items():
            fields = {**row, "ID": str(id), "VALUE": row["VALUE"].replace('"', '\\"')}  # and no other character
            lines = ",\n".join(f'        "{name}": "{fields[name]}"' for name in shown)
            rows.append(f'    "{id}": {{\n{lines}\n    }}')
        return "{\n" + ",\n".join(rows) + "\n}\n"

    def _add(
        self, user: str, domain: str, record: str, type: str, value: str,
        priority: str = "", id: str = "", restart: str = "", ttl: str = "",
    ) -> str:  # fmt: skip
        self._check(user, domain, change=True)
        value = _checked(record, type, value)
        if len(self.rows) >= self.limit:
            raise Exit(LIMIT, "DNS_RECORDS limit is reached :: upgrade user package")
        if id and int(id) in self.rows:
            raise Exit(EXISTS, f"ID={id} already exists")
        self._append(record.lower(), type, value, ttl)
        return self._restart(restart)

    def _change(
        self, user: str, domain: str, id: str, record: str, type: str, value: str,
        priority: str = "", restart: str = "", ttl: str = "",
    ) -> str:  # fmt: skip
        self._check(user, domain, change=True)
        value = _checked(record, type, value)
        row = {"RECORD": record, "TYPE": type, "VALUE": value, "PRIORITY": "", "SUSPENDED": "no", "TTL": ttl}
        if self._existing(id) == row:
            raise Exit(EXISTS, "No pending changes in DNS entry.")
        self.rows[int(id)] = row
        return self._restart(restart)

    def _delete(self, user: str, domain: str, id: str, restart: str = "") -> str:
        self._check(user, domain)
        type = self._existing(id)["TYPE"]
        if type in ("A", "NS") and sum(row["TYPE"] == type for row in self.rows.values()) < 2:
            raise Exit(INVALID, f"at least one {type} record should remain active")
        del self.rows[int(id)]
        return self._restart(restart)

    def _restart(self, restart: str = "") -> str:
        if restart not in ("", "yes", "no", "scheduled"):
            raise Exit(INVALID, f"invalid restart format :: {restart}")
        if restart != "no":
            self.restarts += 1
            self.served = {id: dict(row) for id, row in self.rows.items()}
        return ""

    def _check(self, user: str, domain: str | None = None, *, change: bool = False) -> None:
        if user != self.user:
            raise Exit(NOT_THERE, f"user {user} doesn't exist")
        if domain not in (None, self.spelling):
            raise Exit(NOT_THERE, f"dns domain {domain} doesn't exist")
        if change and self.suspended:
            raise Exit(SUSPENDED, f"dns {domain} is suspended")

    def _existing(self, id: str) -> Row:
        if not id.isdigit() or int(id) not in self.rows:
            raise Exit(NOT_THERE, f"{self.spelling} id {id} doesn't exist")
        return self.rows[int(id)]

    def _append(self, record: str, type: str, value: str, ttl: str) -> None:
        row = {"RECORD": record, "TYPE": type, "VALUE": value, "PRIORITY": "", "SUSPENDED": "no", "TTL": ttl}
        self.rows[max(self.rows, default=0) + 1] = row  # an id that was the highest is given again once it is free


def _checked(record: str, type: str, value: str) -> str:
    """The value as it is stored."""
    if re.search(r"[!|#$^&()+={}:<>?/\\\"';%` ]|\.\.|--|__", record) or (record != "@" and not record[-1:].isalnum()):
        raise Exit(INVALID, f"invalid record format :: {record}")
    if type in ADDRESSES:
        try:
            ADDRESSES[type](value)
        except ValueError:
            raise Exit(INVALID, f"invalid {type} record format :: {value}") from None
    if type in HOST_NAMES:
        value = f"{value.rstrip('.')}."
        if value.count(".") < 2:
            raise Exit(INVALID, f"{type} record {value} should be a fully qualified domain name (FQDN)")
    return value


def _arguments(form: Mapping[str, str]) -> list[str]:
    return [form[f"arg{number}"] for number in range(1, 14) if f"arg{number}" in form]


def _never(seconds: float) -> None:
    raise AssertionError(f"nothing is to be waited for, and it paused {seconds} s")


def make_zone(name: str) -> tuple[HestiaZone, FakeHestia]:
    """A zone on a HestiaCP of its own."""
    fake = FakeHestia(name)
    return fake.zone(), fake
