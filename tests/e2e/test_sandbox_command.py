"""`kvm-bridge sandbox proxmox`: the stand-in cluster as a program of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.contract.sandbox_replay.player import Place, over_https, play
from tests.contract.test_sandbox_replay import cases_of, is_alike

ROOT = Path(__file__).parents[2]


@contextmanager
def sandbox(folder: Path, *options: str) -> Iterator[tuple[Place, list[str]]]:
    """The program on a free port, and the lines with which it introduces itself; ended with SIGTERM."""
    command = [sys.executable, "-m", "bridge", "sandbox", "proxmox", "--port=0", f"--certdir={folder}", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("faults "):
            lines.append(process.stdout.readline().strip())
            assert lines[-1], "it ended before it had introduced itself"
        told = [line.split() for line in lines]
        facts = {words[0]: words[1] for words in told if len(words) == 2}
        tokens = {words[1]: words[2] for words in told if len(words) == 3}
        yield over_https(facts["url"], Path(facts["ca"]), tokens), lines
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.req("SBX-10")
def test_it_answers_the_recorded_conversations_as_the_real_node_did(tmp_path: Path) -> None:
    verdicts: list[tuple[str, list[str]]] = []
    for case in cases_of("deploy-full-clone"):
        with sandbox(tmp_path, "--layout=conformance") as (place, _):
            verdicts += play(case, place)
    is_alike(verdicts)


@pytest.mark.req("SBX-10")
@pytest.mark.parametrize("version", ["7.4", "9.2"])
def test_it_is_the_cluster_of_the_demo_in_the_wanted_version_unless_told_otherwise(
    tmp_path: Path, version: str
) -> None:
    with sandbox(tmp_path, f"--pve-version={version}") as (place, lines):
        token = next(line.split()[1] for line in lines if line.startswith("token "))
        place.session.headers["Authorization"] = f"PVEAPIToken={token}"
        url = f"{place.url}/api2/json"
        assert place.session.get(f"{url}/version", timeout=10).json()["data"]["release"].startswith(version)
        guests = place.session.get(f"{url}/cluster/resources", params={"type": "vm"}, timeout=10).json()["data"]
        assert {guest["vmid"] for guest in guests} == {9000, 9001}
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{url}/version", timeout=10)
