"""Cloudflare's API v4 in process, as far as its documentation tells how it behaves and client libraries how it refuses.

Not known, and invented here: the texts of the refusal of a batch that is too long.
"""

import itertools
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from providers.dns.cloudflare import CloudflareZone

from .dns_wire import FakeServer, Reply, Sent

ROOT = "/client/v4/"
LONGEST_BATCH = 200
ADDRESSES = {"A": IPv4Address, "AAAA": IPv6Address}

Row = dict[str, Any]


class Refused(Exception):
    """A request that is answered with an error; `chain` are the errors behind it."""

    def __init__(self, status: int, code: int, message: str, *chain: tuple[int, str]) -> None:
        super().__init__(message)
        error: Row = {"code": code, "message": message}
        if chain:
            error["error_chain"] = [{"code": code, "message": message} for code, message in chain]
        self.reply = Reply(status, {"success": False, "errors": [error], "messages": [], "result": None})


class FakeCloudflare(FakeServer):
    """One zone `name` and its records, for whoever has `token`.

    `largest_page` is the most that a listing gives at once, `reads_filters` False = it gives everything,
    `without_batches` what an API that knows no batches answers to one, `quota` how many records the zone may have.
    """

    token = "0123456789abcdefghijABCDEFGHIJ_fake-tokn"
    zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
    account_id = "01a7362d577a6c3019a474fd6f485823"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.zones: list[Row] = [
            {"id": self.zone_id, "name": name, "status": "active", "account": {"id": self.account_id}}
        ]
        self.rows: dict[str, Row] = {}
        self.largest_page = 5000
        self.reads_filters = True
        self.without_batches: Reply | None = None
        self.quota = 1000
        self._ids = map("{:032x}".format, itertools.count(1))

    def zone(self, **options: Any) -> CloudflareZone:
        """The adapter for this zone, with its ID unless `options` say otherwise."""
        own: dict[str, Any] = {"name": self.name, "api_token": self.token, "zone_id": self.zone_id}
        return CloudflareZone(**{**own, "adapter": self, "pause": _never, **options})

    def put(self, name: str, record_type: str, *values: str, **fields: Any) -> None:
        """Have these records under name and type, and no other."""
        self.rows = {id: row for id, row in self.rows.items() if (row["name"], row["type"]) != (name, record_type)}
        for value in values:
            id = next(self._ids)
            self.rows[id] = {"id": id, "name": name, "type": record_type, "content": value, "proxied": False, **fields}

    def values(self, name: str, record_type: str) -> list[str]:
        """What is under name and type, in the order of creation."""
        return [row["content"] for row in self.rows.values() if (row["name"], row["type"]) == (name, record_type)]

    def answer(self, sent: Sent) -> Reply:
        """What Cloudflare makes of a request."""
        try:
            self._check_token(sent)
            return self._route(sent, sent.path.removeprefix(ROOT).split("/"))
        except Refused as refused:
            return refused.reply

    def _check_token(self, sent: Sent) -> None:
        scheme, _, token = sent.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or len(token) < 20:
            raise Refused(400, 6003, "Invalid request headers", (6111, "Invalid format for Authorization header"))
        if token != self.token:
            raise Refused(403, 9109, "Invalid access token")

    def _route(self, sent: Sent, path: list[str]) -> Reply:
        match path, sent.method:
            case ["zones"], "GET":
                return _listing(sent, self._seen_zones(sent), 50)
            case ["zones", id], "GET":
                return _success(self._zone(id))
            case ["zones", id, "dns_records"], "GET":
                self._zone(id)
                return _listing(sent, self._matching(sent), self.largest_page)
            case ["zones", id, "dns_records"], "POST":
                self._zone(id)
                return _success(self._create(sent.json))
            case ["zones", id, "dns_records", "batch"], "POST":
                self._zone(id)
                return self.without_batches or _success(self._batch(sent.json))
            case ["zones", id, "dns_records", record], ("PUT" | "PATCH") as method:
                self._zone(id)
                return _success(self._change({**sent.json, "id": record}, anew=method == "PUT"))
            case ["zones", id, "dns_records", record], "DELETE":
                self._zone(id)
                return Reply(200, {"result": self._delete({"id": record})})
        raise Refused(400, 7000, "No route for that URI")

    def _seen_zones(self, sent: Sent) -> list[Row]:
        name, account = sent.params.get("name"), sent.params.get("account.id")
        return [
            zone for zone in self.zones if name in (None, zone["name"]) and account in (None, zone["account"]["id"])
        ]

    def _zone(self, id: str) -> Row:
        if len(id) != 32:
            words = f"Could not route to {ROOT}zones/{id}, perhaps your object identifier is invalid?"
            raise Refused(404, 7003, words)
        found = next((zone for zone in self.zones if zone["id"] == id), None)
        if found is None:
            raise Refused(403, 9109, "Unauthorized to access requested resource")
        return found

    def _matching(self, sent: Sent) -> list[Row]:
        if not self.reads_filters:
            return list(self.rows.values())
        filters: dict[str, Callable[[Row, str], bool]] = {
            "name": lambda row, text: row["name"] == text,
            "name.exact": lambda row, text: row["name"] == text,
            "name.endswith": lambda row, text: row["name"].endswith(text),
            "type": lambda row, text: row["type"] == text,
        }
        wanted = [(filters[name], text) for name, text in sent.params.items() if name in filters]
        return [row for row in self.rows.values() if all(fits(row, text) for fits, text in wanted)]

    def _batch(self, body: dict[str, list[Row]]) -> dict[str, list[Row]]:
        if sum(map(len, body.values())) > LONGEST_BATCH:
            raise Refused(400, 1004, "DNS Validation Error", (9999, "too many changes in one batch"))
        before = {id: dict(row) for id, row in self.rows.items()}
        try:
            return {
                "deletes": [self._delete(row) for row in body.get("deletes", [])],
                "patches": [self._change(row, anew=False) for row in body.get("patches", [])],
                "puts": [self._change(row, anew=True) for row in body.get("puts", [])],
                "posts": [self._create(row) for row in body.get("posts", [])],
            }
        except Refused:
            self.rows = before
            raise

    def _create(self, row: Row) -> Row:
        if len(self.rows) >= self.quota:
            raise Refused(400, 81045, "Record quota exceeded.")
        return self._keep({"proxied": False, "ttl": 1, **row, "id": next(self._ids)})

    def _change(self, row: Row, *, anew: bool) -> Row:
        old = self._existing(row["id"])
        return self._keep({"proxied": False, "ttl": 1, **row} if anew else {**old, **row})

    def _delete(self, row: Row) -> Row:
        return {"id": self.rows.pop(self._existing(row["id"])["id"])["id"]}

    def _existing(self, id: str) -> Row:
        if id not in self.rows:
            raise Refused(404, 81044, "Record does not exist.")
        return self.rows[id]

    def _keep(self, row: Row) -> Row:
        kind = ADDRESSES.get(row["type"])
        try:
            content = str(kind(row["content"])) if kind else row["content"].rstrip(".")
        except ValueError:
            words = f"Content for {row['type']} record must be a valid IP address."
            raise Refused(400, 1004, "DNS Validation Error", (9005, words)) from None
        name = row["name"] if f".{row['name']}".endswith(f".{self.name}") else f"{row['name']}.{self.name}"
        row = {**row, "name": name, "content": content}
        self._check_neighbours(row)
        self.rows[row["id"]] = row
        return row

    def _check_neighbours(self, row: Row) -> None:
        for other in self.rows.values():
            if other["id"] == row["id"] or other["name"] != row["name"]:
                continue
            if other["type"] == "CNAME":
                raise Refused(400, 81054, "A CNAME record with that host already exists.")
            if row["type"] == "CNAME":
                raise Refused(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
            if (other["type"], _same(other["content"])) == (row["type"], _same(row["content"])):
                raise Refused(400, 81058, "An identical record already exists.")


def _same(content: str) -> str:
    try:
        return str(ip_address(content))
    except ValueError:
        return content.lower().rstrip(".")


def _success(result: Any) -> Reply:
    return Reply(200, {"success": True, "errors": [], "messages": [], "result": result})


def _listing(sent: Sent, rows: Iterable[Row], largest: int) -> Reply:
    found = list(rows)
    page, size = int(sent.params.get("page", 1)), min(int(sent.params.get("per_page", 100)), largest)
    shown = found[(page - 1) * size : page * size]
    info = {"page": page, "per_page": size, "count": len(shown), "total_count": len(found)}
    reply = _success(shown)
    return Reply(200, {**reply.body, "result_info": {**info, "total_pages": -(-len(found) // size)}})


def _never(seconds: float) -> None:
    raise AssertionError(f"nothing is to be waited for, and it paused {seconds} s")


def make_zone(name: str) -> tuple[CloudflareZone, FakeCloudflare]:
    """A zone at a Cloudflare of its own."""
    fake = FakeCloudflare(name)
    return fake.zone(), fake
