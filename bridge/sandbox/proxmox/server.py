"""The stand-in cluster over HTTPS, as pveproxy serves it on every node: port 8006 on the real ones.

One address serves all nodes, as each node of a real cluster does by passing requests on. Connections are kept alive,
and closed after any answer of 400 and more, as pveproxy does it.
"""

import json
import re
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridge.sandbox.proxmox.certificates import Certificates, make_certificates
from bridge.sandbox.proxmox.cluster import Cluster
from bridge.sandbox.proxmox.failures import CutConnection
from bridge.sandbox.proxmox.faults import Fault
from bridge.sandbox.proxmox.messages import Answer, Request, answer_json

FAULTS_PATH = "/sandbox/faults"

# pveproxy closes a kept-alive connection after this time without a request.
_IDLE_SECONDS = 5
# … and after this many requests.
_REQUESTS_PER_CONNECTION = 100
_LARGEST_BODY = 64 * 1024**2


class Server:
    """An HTTPS server for one cluster; made by `serve`."""

    def __init__(self, cluster: Cluster, host: str, port: int, certificates: Certificates) -> None:
        handler = type("Handler", (_Handler,), {"cluster": cluster})
        self._http = _HttpServer((host, port), handler)
        self._http.tls = _tls(certificates)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._certificates = certificates
        self.cluster = cluster
        self.host, self.port = host, int(self._http.server_address[1])

    @property
    def base_url(self) -> str:
        """`https://HOST:PORT`."""
        return f"https://{self.host}:{self.port}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, `AA:BB:…`."""
        return self._certificates.fingerprint

    @property
    def ca_path(self) -> Path:
        """The CA's certificate, for clients that verify."""
        return self._certificates.ca

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End serving and free the port. May run twice."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def wait(self) -> None:
        """Return when the server has been stopped."""
        while self._thread.is_alive():
            self._thread.join(0.5)


def serve(cluster: Cluster, host: str, port: int, certdir: Path) -> Server:
    """A server for a cluster, not started yet; port 0 takes a free one. Certificates are kept in `certdir`.

    All nodes show the certificate's fingerprint as theirs. Raises OSError when the port is taken.
    """
    certificates = make_certificates(Path(certdir), [host, "localhost", *cluster.nodes])
    for node in cluster.nodes.values():
        node.fingerprint = certificates.fingerprint
    return Server(cluster, host, port, certificates)


def _tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificates.certificate, certificates.key)
    return context


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    tls: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that a silent client holds nobody up."""
        request.settimeout(_IDLE_SECONDS)
        try:
            secured = self.tls.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            _close(secured)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news; anything else is shown as usual."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The client was faster.
        return
    finally:
        connection.close()


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    served = 0

    def __getattr__(self, name: str) -> Any:
        """Every method goes the same way: `do_GET` and its kind."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests may hold secrets in their query."""

    def _serve(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self._send(answer_json(413, "Request Entity Too Large", {"data": None}))
            return
        body = self.rfile.read(length) if length else b""
        if url.path == FAULTS_PATH:
            self._send(_set_faults(self.cluster, self.command, body, self.client_address[0]))
            return
        request = Request(self.command, url.path, url.query, body, dict(self.headers.items()))
        try:
            answer = self._settled(self.cluster.handle(request))
        except CutConnection:
            self.close_connection = True
            return
        self._send(answer)

    @staticmethod
    def _settled(answer: Answer) -> Answer:
        """Wait as long as a real node would."""
        while answer.resume or answer.delay:
            time.sleep(answer.delay)
            answer.delay = 0.0
            if answer.resume:
                answer = answer.resume()
        return answer

    def _send(self, answer: Answer) -> None:
        self.served += 1
        closing = answer.status >= 400 or self.served >= _REQUESTS_PER_CONNECTION
        self.close_connection = closing or self.close_connection
        head = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        fields = {**answer.headers, "Date": self.date_time_string(), "Content-Length": str(len(answer.body))}
        fields["Connection"] = "close" if self.close_connection else "Keep-Alive"
        head += [f"{name}: {value}" for name, value in fields.items()]
        body = b"" if self.command == "HEAD" else answer.body
        self.wfile.write("\r\n".join([*head, "", ""]).encode("utf-8") + body)


def _set_faults(cluster: Cluster, method: str, body: bytes, client: str) -> Answer:
    """Plan faults (POST), show those to come (GET), forget them (DELETE); from this host only.

    The body is a JSON object or list of Fault's fields, or `{"seed": 1, "share": 0.05}` for faults at random.
    """
    if not client.startswith("127.") and client != "::1":
        return answer_json(403, "faults are set from this host only", {"data": None})
    with cluster.mutex:
        if method == "DELETE":
            cluster.faults.clear()
        try:
            if method == "POST":
                _plan(cluster, json.loads(body))
        except (ValueError, TypeError, re.error) as error:
            return answer_json(400, "no fault", {"data": None, "message": str(error)})
        return answer_json(200, "OK", {"data": cluster.faults.planned()})


def _plan(cluster: Cluster, wanted: Any) -> None:
    if isinstance(wanted, dict) and "seed" in wanted:
        cluster.faults.at_random(int(wanted["seed"]), float(wanted.get("share", 0.05)))
        return
    faults = [Fault.from_json(item) for item in (wanted if isinstance(wanted, list) else [wanted])]
    for fault in faults:
        cluster.faults.add(fault)
