"""Several web processes under gunicorn, as in production: a request is served once, streams come through, limits hold."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from bridge.database import close_connection, connect
from bridge.models.protocol import Nonce
from bridge.protocol.client import BridgeClient, BridgeUnavailable
from bridge.protocol.signing import SIGNATURE_HEADER, Signer
from tests.daemon import SECRET
from tests.integration.shim.whmcs import Whmcs, service_params
from tests.services import free_port, require_program

ROOT = Path(__file__).parents[2]
PROCESSES = 3


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web")
    database = f"sqlite:///{folder}/nonces.sqlite"
    connect(database)
    Nonce.create_table()
    close_connection()
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class=gthread", f"--workers={PROCESSES}", "--threads=4"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--bind=127.0.0.1:{port}", "tests.e2e.recording_app:application"],
            cwd=ROOT,
            env=os.environ | {"TEST_DATABASE": database},
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, folder / "log")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            BridgeClient(url, SECRET).call("/v1/hook/AfterCronJob", {})
            return
        except BridgeUnavailable:
            time.sleep(0.05)
    raise AssertionError(f"gunicorn does not start: {log.read_text()[-2000:]}")


def signed(params: dict[str, object]) -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"params": params, "actor": {"type": "system"}}).encode()
    signature = Signer(SECRET).sign_request(
        "POST", "/v1/module/CreateAccount", int(time.time()), secrets.token_hex(16), body
    )
    return body, signature.headers()


@pytest.mark.req("PRT-04")
def test_a_request_that_reaches_all_processes_at_once_is_served_once(url: str) -> None:
    def send(request: tuple[bytes, dict[str, str]]) -> int:
        body, headers = request
        return requests.post(f"{url}/v1/module/CreateAccount", data=body, headers=headers, timeout=30).status_code

    for _ in range(5):
        copies = [signed({"serviceid": 5})] * 12
        with ThreadPoolExecutor(12) as threads:
            assert Counter(threads.map(send, copies)) == {200: 1, 401: 11}


@pytest.mark.req("PRT-19")
def test_lines_come_through_while_the_run_is_at_work(url: str, tmp_path: Path) -> None:
    whmcs = Whmcs(require_program("php"), tmp_path, url, stream_idle_timeout=30)
    go_on = tmp_path / "go on"
    command = [whmcs.php, str(whmcs.addon_file("cron.php")), str(go_on)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"first line from ")
        go_on.touch()
        assert process.stdout.read() == b"second line\n"
    assert process.returncode == 0


def test_runs_do_not_keep_orders_waiting(url: str, tmp_path: Path) -> None:
    client = BridgeClient(url, SECRET)
    runs = [
        BridgeClient(url, SECRET).stream("/v1/cron/run", {"argv": [str(tmp_path / "go on")]}) for _ in range(PROCESSES)
    ]
    for run in runs:
        next(run)
    assert client.call("/v1/module/CreateAccount", {"serviceid": 5}) == "success"
    (tmp_path / "go on").touch()
    assert [list(run) for run in runs] == [["second line"]] * PROCESSES


@pytest.mark.req("PRT-05")
def test_a_body_over_the_limit_is_refused_with_and_without_its_length(url: str) -> None:
    body, headers = signed({"serviceid": 5, "notes": "x" * 1_100_000})
    pieces = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
    for data in (body, pieces):
        response = requests.post(f"{url}/v1/module/CreateAccount", data=data, headers=headers, timeout=30)
        assert response.status_code == 413
        assert response.headers[SIGNATURE_HEADER]


def test_the_shim_works_with_gunicorn(url: str, tmp_path: Path) -> None:
    whmcs = Whmcs(require_program("php"), tmp_path, url, timeout=30)
    report = whmcs.call("puqProxmoxKVM_CreateAccount", service_params())
    assert report.silent, report
    assert report.result == "success"
