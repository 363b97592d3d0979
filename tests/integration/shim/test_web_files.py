"""The files that a browser can reach by themselves, served by PHP's own web server."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.integration.shim.broken_daemons import Received, broken_daemon, remembers
from tests.integration.shim.whmcs import Whmcs
from tests.services import free_port

RECORDS = [{"forward": "vm-1.example.com", "ip": "192.0.2.7", "reverse": "mail.example.com"}]
DNS = "/modules/servers/puqProxmoxKVM/lib/dns/dns.php"


@contextlib.contextmanager
def web_server(whmcs: Whmcs) -> Iterator[str]:
    """The WHMCS tree behind PHP's web server, every warning in the page."""
    port = free_port()
    options = ["-d", "error_reporting=-1", "-d", "display_errors=1", "-d", "html_errors=0"]
    process = subprocess.Popen(
        [whmcs.php, *options, "-S", f"127.0.0.1:{port}", "-t", str(whmcs.tree)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/init.php", timeout=5)
            return
        time.sleep(0.05)
    raise AssertionError("PHP's web server does not start")


@pytest.fixture
def asked() -> list[Received]:
    return []


@pytest.fixture
def site(php: str, tmp_path: Path, asked: list[Received]) -> Iterator[str]:
    with broken_daemon(remembers(asked, RECORDS)) as url, web_server(Whmcs(php, tmp_path, url)) as site:
        yield site


def test_the_dns_list_has_the_documented_form(site: str, asked: list[Received]) -> None:
    response = requests.get(site + DNS, timeout=10)
    assert response.json() == RECORDS
    assert response.headers["Content-Type"].startswith("application/json")
    assert [request.params for request in asked] == [{"remote_address": "127.0.0.1"}]


@pytest.mark.req("DNS-42")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_dns_list_cannot_be_written(site: str, asked: list[Received], method: str) -> None:
    response = requests.request(method, site + DNS, data={"forward": "evil"}, timeout=10)
    assert response.status_code == 405
    assert asked == []


def test_a_dns_list_that_is_not_available_is_json_too(php: str, tmp_path: Path) -> None:
    with web_server(Whmcs(php, tmp_path, f"http://127.0.0.1:{free_port()}")) as site:
        response = requests.get(site + DNS, timeout=10)
    assert (response.status_code, response.json()) == (503, {"error": "The list is not available."})


@pytest.mark.req("DNS-43")
def test_nobody_is_allowed_to_read_the_dns_list_by_default(whmcs: Whmcs) -> None:
    rules = whmcs.server_file("lib/dns/.htaccess").read_text()
    assert "Require all denied" in rules
    assert "deny from all" in rules
    assert "Require ip" not in rules.replace('"Require ip 192.0.2.10"', "")


@pytest.mark.req("CRN-51")
def test_cron_refuses_the_web(site: str, asked: list[Received]) -> None:
    response = requests.get(f"{site}/modules/addons/puq_proxmox_kvm/cron.php", timeout=10)
    assert (response.status_code, response.text) == (403, "")
    assert asked == []


@pytest.mark.req("PRT-17")
def test_no_file_of_the_shim_shows_anything_to_a_browser(whmcs: Whmcs) -> None:
    files = [path.relative_to(whmcs.tree) for path in whmcs.tree.rglob("*.php")]
    silent = {"config.php", "init.php"}
    with web_server(whmcs) as site:
        pages = {str(path): requests.get(f"{site}/{path}", timeout=10).text for path in files}
    shown = {path: text for path, text in pages.items() if text and "cannot be accessed directly" not in text}
    assert silent <= {path.name for path in files}
    assert list(shown) == [DNS.lstrip("/")]
    assert "error" in json.loads(shown[DNS.lstrip("/")])
