"""The sandbox answers like the real Proxmox VE 8.4 node whose conversations were recorded."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.proxmox import SystemClock, conformance_cluster
from bridge.sandbox.proxmox.server import serve
from tests.contract.sandbox_replay.player import over_https, play

RECORDED = Path(__file__).parent.parent / "data" / "pve-recorded"

# At least this share of a scenario's answers has to be alike; those of the console are not part of the sandbox yet.
SHARE = 0.95
SCENARIOS = sorted({file.stem for file in RECORDED.glob("*.json")} - {"console"})

# Those that need little real time.
QUICK = ["bad-input", "deploy-linked-clone", "firewall"]

# Answers that depend on the recorded guest's own programs.
UNNEEDED = {"websocket", "small-guest"}


def cases_of(scenario: str) -> list[Any]:
    """The cases of a recording that need nothing which the sandbox does not have."""
    recording = json.loads((RECORDED / f"{scenario}.json").read_text(encoding="utf-8"))
    return [case for case in recording["cases"] if not UNNEEDED & set(case.get("needs", []))]


def is_alike(verdicts: list[tuple[str, list[str]]]) -> None:
    """So many of the answers are as they were recorded."""
    different = {name: differences for name, differences in verdicts if differences}
    share = 1 - len(different) / len(verdicts)
    assert share >= SHARE, json.dumps(different, indent=1, ensure_ascii=False)


@pytest.mark.req("SBX-04", "SBX-08")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_answers_are_alike_those_of_a_real_node(scenario: str) -> None:
    """Status, reason, body and exit status, case by case, each on a fresh cluster."""
    is_alike([verdict for case in cases_of(scenario) for verdict in play(case)])


@pytest.mark.req("SBX-08")
@pytest.mark.parametrize("scenario", QUICK)
def test_the_same_answers_come_over_https(scenario: str, tmp_path: Path) -> None:
    verdicts: list[tuple[str, list[str]]] = []
    for case in cases_of(scenario):
        server = serve(conformance_cluster(SystemClock()), "127.0.0.1", 0, tmp_path)
        server.start()
        place = over_https(server.base_url, server.ca_path, server.cluster.role_tokens)
        verdicts += play(case, place)
        place.session.close()
        server.stop()
    is_alike(verdicts)
