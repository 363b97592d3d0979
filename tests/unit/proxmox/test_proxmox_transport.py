"""One call: what is sent, what may be repeated, and what becomes of every way in which it can fail."""

import logging
import traceback

import pytest
import requests
import responses
from urllib3.exceptions import LocationParseError, ProtocolError

from providers.errors import AuthFailed, Locked, ProviderError, Rejected, Unavailable
from providers.proxmox import Endpoint, Proxmox
from providers.proxmox.transport import segment

from .conftest import API, Calls

VM = f"{API}/nodes/pve1/qemu/100"


def dropped() -> requests.ConnectionError:
    return requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")))


@pytest.mark.req("SRV-02")
def test_every_request_carries_the_token(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.get(f"{API}/version", json={"data": {"version": "8.4.1"}})
    proxmox.version()
    assert net.calls[0].request.headers["Authorization"] == "PVEAPIToken=bridge@pve!whmcs=very-secret-token"


def test_a_read_on_a_dropped_connection_is_repeated_once(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    net.get(f"{API}/version", body=dropped())
    net.get(f"{API}/version", json={"data": {"version": "8.4.1"}})
    assert proxmox.version() == "8.4.1"
    assert sent.lines == ["GET /version", "GET /version"]


def test_a_read_is_not_repeated_a_second_time(net: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    net.get(f"{API}/version", body=dropped())
    with pytest.raises(Unavailable, match="broke off"):
        proxmox.version()
    assert len(sent.lines) == 2


@pytest.mark.parametrize(
    "error", [requests.ReadTimeout("slow"), requests.ConnectTimeout("far"), requests.ConnectionError("x")]
)
def test_a_read_that_failed_otherwise_is_not_repeated(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls, error: Exception
) -> None:
    net.get(f"{API}/version", body=error)
    with pytest.raises(Unavailable):
        proxmox.version()
    assert len(sent.lines) == 1


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (dropped(), True),
        (requests.ReadTimeout("slow"), True),
        (requests.ConnectionError("cut"), True),
        (requests.exceptions.ChunkedEncodingError("half an answer"), True),
        (requests.exceptions.SSLError("EOF occurred in violation of protocol"), True),
        (requests.ConnectTimeout("far"), False),
    ],
)
def test_a_write_is_sent_once_and_its_outcome_is_unknown_unless_it_never_left(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls, error: Exception, unknown: bool
) -> None:
    net.post(f"{VM}/status/start", body=error)
    net.put(f"{VM}/config", body=error)
    net.delete(VM, body=error)
    calls = [
        lambda: proxmox.start("pve1", 100),
        lambda: proxmox.configure("pve1", 100, {"cores": 2}),
        lambda: proxmox.destroy("pve1", 100),
    ]
    for call in calls:
        with pytest.raises(Unavailable) as caught:
            call()
        assert caught.value.outcome_unknown is unknown
    assert [line.split()[0] for line in sent.lines] == ["POST", "PUT", "DELETE"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ReadTimeout("x"), "pve1.example.com:8006 did not answer in time"),
        (requests.ConnectTimeout("x"), "pve1.example.com:8006 did not accept a connection in time"),
        (requests.ConnectionError("[Errno 111] Connection refused"), "pve1.example.com:8006 refuses connections"),
        (requests.ConnectionError("NameResolutionError: failed"), "the name pve1.example.com does not resolve"),
        (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER]"), "does not speak HTTPS"),
    ],
)
def test_a_failing_network_is_told_in_one_line(
    net: responses.RequestsMock, proxmox: Proxmox, error: Exception, words: str
) -> None:
    net.get(f"{API}/version", body=error)
    with pytest.raises(Unavailable) as caught:
        proxmox.version()
    assert str(caught.value).startswith("Could not read the version of Proxmox VE: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("body", ["<html>Welcome to nginx</html>", "", "[1, 2]", '{"no": "data"}', "\udcff\x00"])
def test_an_answer_that_is_not_proxmoxs_is_no_data(net: responses.RequestsMock, proxmox: Proxmox, body: str) -> None:
    net.get(f"{API}/version", body=body.encode("utf-8", "surrogateescape"))
    net.post(f"{VM}/status/start", body=body.encode("utf-8", "surrogateescape"))
    with pytest.raises(Unavailable, match="not Proxmox's"):
        proxmox.version()
    with pytest.raises(Unavailable) as caught:
        proxmox.start("pve1", 100)
    assert caught.value.outcome_unknown


def test_a_redirect_is_not_followed(net: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    net.post(f"{VM}/status/start", status=302, headers={"Location": "https://elsewhere.example.com/"})
    with pytest.raises(Rejected, match="redirects elsewhere"):
        proxmox.start("pve1", 100)
    assert sent.lines == ["POST /nodes/pve1/qemu/100/status/start"]


def test_the_text_of_the_body_is_preferred_and_the_reason_serves_when_there_is_none(
    net: responses.RequestsMock, proxmox: Proxmox
) -> None:
    net.put(f"{VM}/config", status=500, json={"data": None, "message": "VM is locked (backup)\n"})
    with pytest.raises(Locked, match=r"^Could not configure VM 100 on node pve1: VM is locked \(backup\)$"):
        proxmox.configure("pve1", 100, {"cores": 2})
    net.get(f"{API}/version", status=401, body="")
    with pytest.raises(AuthFailed, match="Unauthorized"):
        proxmox.version()


@pytest.mark.req("PRV-07")
def test_no_secret_gets_into_error_or_log(
    net: responses.RequestsMock, proxmox: Proxmox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "hunter2" * 2
    body = {"data": None, "errors": {"cipassword": f"value '{secret}' is bad"}, "message": f"{secret} failed"}
    net.put(f"{VM}/config", status=400, json=body)
    with pytest.raises(Rejected) as caught:
        proxmox.configure("pve1", 100, {"ciuser": "root", "cipassword": secret})
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.fields)
    assert "value '***' is bad" in shown
    assert secret not in shown
    assert "very-secret-token" not in shown


def test_what_slips_through_requests_is_caught_all_the_same(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.get(f"{API}/version", body=LocationParseError("pve1"))
    with pytest.raises(Unavailable):
        proxmox.version()


def test_reads_wait_for_the_short_deadline_and_writes_for_the_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[tuple[str | None, object]] = []

    def send(self: object, request: requests.PreparedRequest, **options: object) -> requests.Response:
        waits.append((request.method, options["timeout"]))
        raise requests.ReadTimeout("slow")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    proxmox = Proxmox(Endpoint("pve1", token_id="a@pve!b", token_secret="c", timeout=3, heavy_timeout=77))
    for call in (proxmox.version, lambda: proxmox.storages("pve1"), lambda: proxmox.start("pve1", 100)):
        with pytest.raises(ProviderError):
            call()
    assert waits == [("GET", (3, 3)), ("GET", (10.0, 77)), ("POST", (10.0, 77))]


def test_names_cannot_leave_their_path_segment() -> None:
    assert segment("../../access") == "..%2F..%2Faccess"
    assert segment("10.0.0.0/24") == "10.0.0.0%2F24"


def test_environment_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch, proxmox: Proxmox) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    seen: list[object] = []

    def send(self: object, request: requests.PreparedRequest, **options: object) -> requests.Response:
        seen.append(options["proxies"])
        raise requests.ReadTimeout("slow")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with pytest.raises(Unavailable):
        proxmox.version()
    assert not seen[0]
