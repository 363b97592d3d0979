"""Login with user and password: one ticket for many calls, renewed in time, kept where the next process finds it."""

import pytest
import responses

from providers.errors import AuthFailed
from providers.proxmox import Endpoint, Proxmox

from .conftest import API, Calls

ENDPOINT = Endpoint("pve1.example.com", token_id="root@pam", token_secret="account-password")
NOW = 0x6B033CD2


def ticket(issued: int = NOW, user: str = "root@pam") -> str:
    return f"PVE:{user}:{issued:08X}::c2lnbmF0dXJl=="


class Shelf:
    """A ticket store in memory."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def load(self) -> str:
        return self.text

    def save(self, ticket: str) -> None:
        self.text = ticket


class Clock:
    def __init__(self) -> None:
        self.time = float(NOW)

    def now(self) -> float:
        return self.time


@pytest.fixture
def pve(net: responses.RequestsMock) -> responses.RequestsMock:
    net.post(f"{API}/access/ticket", json={"data": {"ticket": ticket(), "CSRFPreventionToken": "csrf-1"}})
    net.get(f"{API}/version", json={"data": {"version": "8.4.1"}})
    net.put(f"{API}/nodes/pve1/qemu/100/config", json={"data": None})
    return net


@pytest.mark.req("SRV-03")
def test_the_first_call_logs_in_and_the_next_ones_use_the_ticket(pve: responses.RequestsMock, sent: Calls) -> None:
    proxmox = Proxmox(ENDPOINT, now=Clock().now)
    proxmox.version()
    proxmox.configure("pve1", 100, {"cores": 2})
    assert sent.lines == ["POST /access/ticket", "GET /version", "PUT /nodes/pve1/qemu/100/config"]
    assert sent.form(0) == {"username": "root@pam", "password": "account-password"}
    read, write = pve.calls[1].request.headers, pve.calls[2].request.headers
    assert read["Cookie"] == write["Cookie"] == f"PVEAuthCookie={ticket()}"
    assert "CSRFPreventionToken" not in read
    assert write["CSRFPreventionToken"] == "csrf-1"


@pytest.mark.req("SRV-04", "SRV-05")
def test_the_ticket_is_kept_and_found_by_the_next_process(pve: responses.RequestsMock, sent: Calls) -> None:
    shelf = Shelf()
    Proxmox(ENDPOINT, tickets=shelf, now=Clock().now).version()
    assert shelf.text == f"{ticket()}|csrf-1"
    Proxmox(ENDPOINT, tickets=shelf, now=Clock().now).version()
    assert sent.lines.count("POST /access/ticket") == 1


def test_a_ticket_is_renewed_before_it_expires(pve: responses.RequestsMock, sent: Calls) -> None:
    clock = Clock()
    proxmox = Proxmox(ENDPOINT, now=clock.now)
    proxmox.version()
    clock.time += 3599
    proxmox.version()
    assert sent.lines.count("POST /access/ticket") == 1
    clock.time += 1
    proxmox.version()
    assert sent.lines.count("POST /access/ticket") == 2


def test_a_refused_ticket_is_replaced_and_the_call_repeated_once(net: responses.RequestsMock, sent: Calls) -> None:
    net.put(f"{API}/nodes/pve1/qemu/100/config", status=401, body="")
    net.put(f"{API}/nodes/pve1/qemu/100/config", json={"data": None})
    net.post(f"{API}/access/ticket", json={"data": {"ticket": ticket(), "CSRFPreventionToken": "csrf-2"}})
    proxmox = Proxmox(ENDPOINT, tickets=Shelf(f"{ticket()}|old"), now=Clock().now)
    proxmox.configure("pve1", 100, {"cipassword": "x"})
    assert [line.split()[0] for line in sent.lines] == ["PUT", "POST", "PUT"]


def test_a_wrong_password_is_tried_once(net: responses.RequestsMock, sent: Calls) -> None:
    net.post(f"{API}/access/ticket", status=401, json={"data": None, "message": "authentication failure\n"})
    with pytest.raises(AuthFailed, match=r"^Could not log in to pve1\.example\.com:8006 as root@pam: 401") as caught:
        Proxmox(ENDPOINT, now=Clock().now).version()
    assert sent.lines == ["POST /access/ticket"]
    assert "account-password" not in str(caught.value)


def test_a_second_factor_is_told_apart(net: responses.RequestsMock) -> None:
    challenge = {"ticket": "PVE:!tfa!", "NeedTFA": 1, "CSRFPreventionToken": "x"}
    net.post(f"{API}/access/ticket", json={"data": challenge})
    with pytest.raises(AuthFailed, match="second factor; use an API token"):
        Proxmox(ENDPOINT, now=Clock().now).version()


@pytest.mark.parametrize("text", ["garbage", "|", "PVE:root@pam:ZZ::x|y", "PVE:root@pam:00000001::old|y"])
def test_a_useless_stored_ticket_leads_to_a_login(pve: responses.RequestsMock, sent: Calls, text: str) -> None:
    Proxmox(ENDPOINT, tickets=Shelf(text), now=Clock().now).version()
    assert sent.lines == ["POST /access/ticket", "GET /version"]
