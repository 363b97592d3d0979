"""A real PowerDNS on free loopback ports, with a SQLite database of its own. It answers on its API and as a name server."""

import signal
import sqlite3
import subprocess
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import pytest
import requests

from tests.services import free_port, not_installed, require_program

# Where Debian and Ubuntu have had it; documentation may be left out of an image.
SCHEMAS = (
    "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql",
    "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql",
    "/usr/share/doc/pdns-backend-sqlite3/examples/schema.sqlite3.sql",
)


class PowerDns:
    """A PowerDNS server; stop and start it as often as needed, ports and zones stay."""

    api_key = "key-of-this-PowerDNS"

    def __init__(self, folder: Path) -> None:
        self._server = require_program("pdns_server")
        schema = next((path for path in map(Path, SCHEMAS) if path.exists()), None)
        if schema is None:
            not_installed("pdns-backend-sqlite3")
        self._folder = folder
        self.dns_port, self.web_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        with sqlite3.connect(folder / "zones.sqlite") as database:
            database.executescript(schema.read_text())
        database.close()

    @property
    def url(self) -> str:
        """The server's address, as an admin types it."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def api_settings(self) -> dict[str, str]:
        """What switches the API on, as in pdns.conf."""
        return {
            "api": "yes",
            "api-key": self.api_key,
            "webserver": "yes",
            "webserver-address": "127.0.0.1",
            "webserver-port": str(self.web_port),
            "webserver-allow-from": "127.0.0.1",
        }

    def start(self, api_settings: Mapping[str, str] | None = None) -> None:
        """Start the server and return when it answers, with its own `api_settings` or with these."""
        database = [
            "launch=gsqlite3",
            f"gsqlite3-database={self._folder}/zones.sqlite",
            "gsqlite3-pragma-synchronous=0",
        ]
        server = [
            "local-address=127.0.0.1",
            f"local-port={self.dns_port}",
            "receiver-threads=1",
            "distributor-threads=1",
        ]
        private = ["daemon=no", "guardian=no", f"socket-dir={self._folder}", "security-poll-suffix="]
        api = [f"{name}={value}" for name, value in (api_settings or self.api_settings).items()]
        options = [f"--{option}" for option in database + server + private + api]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._server, "--no-config", *options], stdout=log, stderr=log)
        give_up_at = time.monotonic() + 30
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"PowerDNS does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        try:
            requests.get(self.url, timeout=5)
            self.ask("a.root-servers.net", "A")
        except requests.ConnectionError as error:
            return "refused" not in str(error)  # cut off: it listens, and not to us
        except (OSError, dns.exception.DNSException):
            return False
        return True

    def stop(self) -> None:
        """End the server. Harmless when it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def pause(self, on: bool = True) -> None:
        """Answer nothing: what is asked meanwhile is answered when the pause is over."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def clear(self) -> None:
        """Delete all zones; one of another test may be closer to a name than the one that is asked about."""
        for zone in self._call("GET", "").json():
            self._call("DELETE", f"/{zone['id']}")

    def create_zone(self, name: str, kind: str = "Native", **more: Any) -> str:
        """Create a zone, in the place of one of that name; returns the name."""
        self._call("DELETE", _path(name), may_fail=True)
        nameservers = [] if kind == "Slave" else ["ns1.example.net."]
        self._call("POST", "", {"name": f"{name}.", "kind": kind, "nameservers": nameservers, **more})
        return name

    def put(self, zone: str, name: str, record_type: str, *contents: str, disabled: Collection[str] = ()) -> None:
        """Give `name` the records that an admin would: `contents` are PowerDNS's own, `disabled` further ones."""
        records = [{"content": content, "disabled": False} for content in contents]
        records += [{"content": content, "disabled": True} for content in disabled]
        rrset = {"name": f"{name}.", "type": record_type, "ttl": 60, "changetype": "REPLACE", "records": records}
        self._call("PATCH", _path(zone), {"rrsets": [rrset]})

    def held(self, zone: str) -> dict[tuple[str, str], list[str]]:
        """The records of a zone as PowerDNS has them, without those that every zone begins with."""
        found = self._call("GET", _path(zone)).json()["rrsets"]
        records = {
            (rrset["name"], rrset["type"]): sorted(record["content"] for record in rrset["records"]) for rrset in found
        }
        return {key: contents for key, contents in records.items() if key[1] not in ("SOA", "NS")}

    def ask(self, name: str, record_type: str) -> list[str]:
        """What the server answers over UDP when it is asked like any name server."""
        query = dns.message.make_query(name, record_type)
        answer = dns.query.udp(query, "127.0.0.1", port=self.dns_port, timeout=5)
        wanted = dns.rdatatype.from_text(record_type)
        return sorted(str(record) for rrset in answer.answer if rrset.rdtype == wanted for record in rrset)

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, may_fail: bool = False
    ) -> requests.Response:
        url = f"{self.url}/api/v1/servers/localhost/zones{path}"
        answer = requests.request(method, url, json=body, headers={"X-API-Key": self.api_key}, timeout=10)
        if not (answer.ok or may_fail):
            pytest.fail(f"PowerDNS refuses {method} {path}: {answer.text}")
        return answer


def _path(zone: str) -> str:
    return f"/{zone.replace('/', '=2F')}."
