"""The sandbox over real HTTPS behaves like pveproxy: certificates, connections, reason phrases, faults."""

import hashlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.sandbox.proxmox import SystemClock, demo_cluster
from bridge.sandbox.proxmox.server import Server, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo cluster, a hundred times faster than life, on a free port."""
    cluster = demo_cluster(SystemClock(), speed=100.0)
    running = serve(cluster, "127.0.0.1", 0, tmp_path_factory.mktemp("certificates"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def token(server: Server) -> str:
    """The value of the authorization header."""
    return f"PVEAPIToken={server.cluster.demo_token}"


@pytest.fixture
def session(server: Server, token: str) -> Iterator[requests.Session]:
    """A client that trusts the cluster's CA."""
    with requests.Session() as client:
        client.trust_env = False
        client.verify = str(server.ca_path)
        client.headers["Authorization"] = token
        yield client


@pytest.fixture
def raw(server: Server) -> Iterator[ssl.SSLSocket]:
    """One connection without a client around it, so that its end can be seen."""
    context = ssl.create_default_context(cafile=str(server.ca_path))
    plain = socket.create_connection((server.host, server.port), timeout=10)
    with plain, context.wrap_socket(plain, server_hostname=server.host) as secured:
        yield secured


def exchange(raw: ssl.SSLSocket, token: str, path: str) -> http.client.HTTPResponse:
    """Send a GET on the connection and read its answer."""
    raw.sendall(f"GET /api2/json{path} HTTP/1.1\r\nHost: pve1\r\nAuthorization: {token}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(raw)
    answer.begin()
    answer.read()
    return answer


def api(server: Server, path: str) -> str:
    return f"{server.base_url}/api2/json{path}"


def test_the_certificate_is_signed_by_the_clusters_own_ca(session: requests.Session, server: Server) -> None:
    assert session.get(api(server, "/version")).json()["data"]["release"] == "8.4"


def test_without_the_ca_the_certificate_is_refused(server: Server) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(api(server, "/version"), timeout=10)


def test_the_fingerprint_is_that_of_the_certificate_and_the_nodes_tell_it(
    session: requests.Session, server: Server
) -> None:
    pem = ssl.get_server_certificate((server.host, server.port))
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    assert server.fingerprint.replace(":", "") == digest
    told = {node["ssl_fingerprint"] for node in session.get(api(server, "/nodes")).json()["data"]}
    assert told == {server.fingerprint}


def test_certificates_are_kept_between_runs(tmp_path: Path) -> None:
    first = serve(demo_cluster(), "127.0.0.1", 0, tmp_path)
    first.stop()
    second = serve(demo_cluster(), "127.0.0.1", 0, tmp_path)
    second.stop()
    assert first.fingerprint == second.fingerprint


def test_a_connection_is_kept_after_success_and_closed_after_an_error(raw: ssl.SSLSocket, token: str) -> None:
    for path in ("/version", "/nodes"):
        answer = exchange(raw, token, path)
        assert (answer.status, answer.getheader("Connection")) == (200, "Keep-Alive")
    answer = exchange(raw, token, "/nosuch")
    assert (answer.status, answer.getheader("Connection")) == (501, "close")
    assert raw.recv(1) == b""


def test_a_connection_ends_after_a_hundred_requests(raw: ssl.SSLSocket, token: str) -> None:
    kept = [exchange(raw, token, "/version").getheader("Connection") for _ in range(100)]
    assert (set(kept[:-1]), kept[-1]) == ({"Keep-Alive"}, "close")


def test_the_reason_phrase_carries_the_message(session: requests.Session, server: Server) -> None:
    answer = session.get(api(server, "/nodes/pve1/qemu/777/config"))
    assert (answer.status_code, answer.reason) == (
        500,
        "Configuration file 'nodes/pve1/qemu-server/777.conf' does not exist",
    )
    assert answer.json() == {"data": None, "message": answer.reason + "\n"}


def test_a_delete_with_a_body_is_refused(session: requests.Session, server: Server) -> None:
    answer = session.delete(api(server, "/nodes/pve1/qemu/777"), data={"purge": 1})
    assert (answer.status_code, answer.reason) == (501, "Unexpected content for method 'DELETE'")


def test_an_order_becomes_a_running_vm_over_https(session: requests.Session, server: Server) -> None:
    def wait(answer: requests.Response) -> str:
        upid = answer.json()["data"]
        node = upid.split(":")[1]
        for _ in range(2000):
            status = session.get(api(server, f"/nodes/{node}/tasks/{upid}/status")).json()["data"]
            if status["status"] == "stopped":
                return str(status["exitstatus"])
        raise AssertionError(f"{upid} never ends")

    wanted = {"newid": 150, "name": "web150", "full": 1, "target": "pve3"}
    assert wait(session.post(api(server, "/nodes/pve1/qemu/9000/clone"), data=wanted)) == "OK"
    vm = "/nodes/pve3/qemu/150"
    assert wait(session.put(api(server, vm + "/resize"), data={"disk": "scsi0", "size": "20G"})) == "OK"
    assert session.put(api(server, vm + "/config"), data={"cores": 2, "ciuser": "root"}).status_code == 200
    assert wait(session.post(api(server, vm + "/status/start"))) == "OK"
    config = session.get(api(server, vm + "/config")).json()["data"]
    assert config["scsi0"] == "ceph-vm:vm-150-disk-0,size=20G"
    assert session.get(api(server, vm + "/status/current")).json()["data"]["status"] == "running"


def set_faults(server: Server, session: requests.Session, method: str, body: Any = None) -> requests.Response:
    return session.request(method, f"{server.base_url}/sandbox/faults", json=body)


def test_a_fault_set_over_https_breaks_the_connection_after_the_effect(
    session: requests.Session, server: Server
) -> None:
    wanted = {"match": "POST .*/clone", "kind": "cut-after"}
    assert set_faults(server, session, "POST", wanted).json()["data"][0]["kind"] == "cut-after"
    with pytest.raises(requests.ConnectionError):
        session.post(api(server, "/nodes/pve1/qemu/9000/clone"), data={"newid": 160, "name": "lost"})
    assert set_faults(server, session, "GET").json()["data"] == []
    types = [t["type"] for t in session.get(api(server, "/nodes/pve1/tasks"), params={"source": "all"}).json()["data"]]
    assert "qmclone" in types


def test_an_unknown_fault_is_refused_in_one_line(session: requests.Session, server: Server) -> None:
    answer = set_faults(server, session, "POST", {"kind": "earthquake"})
    assert answer.status_code == 400
    assert "no fault of kind 'earthquake'" in answer.json()["message"]


def is_well(session: requests.Session, server: Server) -> bool:
    """Whether a harmless call succeeds."""
    try:
        return session.get(api(server, "/nodes/pve1/qemu")).status_code == 200
    except requests.ConnectionError:
        return False


def test_faults_at_random_can_be_switched_on_and_off(session: requests.Session, server: Server) -> None:
    assert set_faults(server, session, "POST", {"seed": 3, "share": 1.0}).status_code == 200
    assert not any(is_well(session, server) for _ in range(10))
    assert set_faults(server, session, "DELETE").status_code == 200
    assert all(is_well(session, server) for _ in range(10))


def test_a_client_that_says_nothing_holds_nobody_up(session: requests.Session, server: Server) -> None:
    with socket.create_connection((server.host, server.port)):
        assert session.get(api(server, "/version"), timeout=5).status_code == 200


def test_answers_in_other_languages_arrive_whole(session: requests.Session, server: Server) -> None:
    text = "Grüße ✓ 💾"
    session.post(api(server, "/nodes/pve1/qemu"), data={"vmid": 170, "description": text, "memory": 64})
    for _ in range(500):
        data = session.get(api(server, "/nodes/pve1/qemu/170/config")).json()["data"]
        if "lock" not in data:
            break
    assert data["description"] == text
    assert json.dumps(data)
