"""The API of a PowerDNS server over HTTP, on loopback: zones are read and their record sets replaced and deleted.

Held to the real server by the contract of the DNS providers, which runs against both.
"""

import contextlib
import json
import threading
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bridge.sandbox.loopback import in_thread

ZONES = "/api/v1/servers/localhost/zones"
BODY_LIMIT = 4_000_000
ADDRESSES = {"A": IPv4Address, "AAAA": IPv6Address}

Records = dict[tuple[str, str], tuple[str, ...]]
Reply = tuple[int, Any]


class DnsSandbox:
    """Zones in memory behind `api_key`: the contents of each record set, by its name and type, as PowerDNS spells them."""

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key
        self.zones: dict[str, Records] = {}
        self._lock = threading.Lock()

    def add(self, name: str) -> Records:
        """Create an empty zone; `name` without a trailing dot. Returns its records."""
        return self.zones.setdefault(name, {})

    def handle(self, method: str, target: str, key: str, body: bytes) -> Reply:
        """Status and JSON of the answer to one request; None is an empty body."""
        parts = urlsplit(target)
        if not parts.path.startswith(ZONES):
            return 404, {"error": "Not Found"}
        if key != self.api_key:
            return 401, {"error": "Unauthorized"}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name = unquote(parts.path[len(ZONES) :].strip("/").replace("=2F", "/")).rstrip(".")
        with self._lock:
            if not name:
                wanted = query.get("zone", "").rstrip(".")
                return 200, [{"name": f"{each}."} for each in self.zones if not wanted or each == wanted]
            if name not in self.zones:
                return 404, {"error": f"Could not find domain '{name}.'"}
            return self._patch(name, body) if method == "PATCH" else _shown(name, self.zones[name], query)

    def _patch(self, zone: str, body: bytes) -> Reply:
        """All changes of a request, or none."""
        records = dict(self.zones[zone])
        try:
            for rrset in json.loads(body)["rrsets"]:
                _change(zone, records, rrset)
        except Refused as refusal:
            return 422, {"error": str(refusal)}
        except (ValueError, KeyError, TypeError) as error:
            return 422, {"error": f"Parsing record content: {error}"}
        self.zones[zone].clear()
        self.zones[zone].update(records)
        return 204, None


class Refused(Exception):
    """A change that PowerDNS does not make, in its words."""


def _change(zone: str, records: Records, rrset: Any) -> None:
    """Make one change in `records`. Raises Refused, and what Python raises for a body that makes no sense."""
    name, type = str(rrset["name"]).rstrip(".").lower(), str(rrset["type"])
    if rrset["changetype"] == "DELETE":
        records.pop((name, type), None)
        return
    contents = tuple(str(record["content"]) for record in rrset["records"])
    for content in contents:
        if type in ADDRESSES:
            ADDRESSES[type](content)
    if name != zone and not name.endswith(f".{zone}"):
        raise Refused(f"RRset {name}. IN {type}: Name is out of zone")
    if type != "CNAME" and (name, "CNAME") in records:
        raise Refused(f"RRset {name}. IN {type}: Conflicts with pre-existing RRset")
    records[name, type] = contents


def _shown(zone: str, records: Records, query: dict[str, str]) -> Reply:
    answer: dict[str, Any] = {"id": f"{zone.replace('/', '=2F')}.", "name": f"{zone}.", "kind": "Native"}
    if query.get("rrsets") == "false":
        return 200, answer
    only = query.get("rrset_name", "").rstrip(".")
    answer["rrsets"] = [
        {
            "name": f"{name}.",
            "type": type,
            "ttl": 3600,
            "comments": [],
            "records": [{"content": content, "disabled": False} for content in contents],
        }
        for (name, type), contents in sorted(records.items())
        if not only or name == only
    ]
    return 200, answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    sandbox: DnsSandbox


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the demo prints what matters."""

    def _answer(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), BODY_LIMIT)
        key = self.headers.get("X-API-Key") or ""
        status, answer = self.server.sandbox.handle(self.command, self.path, key, self.rfile.read(length))
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)


def make_server(sandbox: DnsSandbox, port: int = 0) -> ThreadingHTTPServer:
    """A server on loopback that is bound and not yet serving; `port` 0 = any free one."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.sandbox = sandbox
    return server


def serving(sandbox: DnsSandbox) -> AbstractContextManager[str]:
    """Serve in a thread while the block runs; yields the server's address as an admin types it."""
    return in_thread(make_server(sandbox))
