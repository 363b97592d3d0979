"""The sandbox answers like the real Proxmox VE 8.4 node whose conversations were recorded."""

import json
from pathlib import Path

import pytest

from tests.contract.sandbox_replay.player import play

RECORDED = Path(__file__).parent.parent / "data" / "pve-recorded"

# At least this share of a scenario's answers has to be alike; those of the console are not part of the sandbox yet.
SHARE = 0.95
SCENARIOS = sorted({file.stem for file in RECORDED.glob("*.json")} - {"console"})

# Answers that depend on the recorded guest's own programs.
UNNEEDED = {"websocket", "small-guest"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_answers_are_alike_those_of_a_real_node(scenario: str) -> None:
    """Status, reason, body and exit status, case by case, each on a fresh cluster."""
    recording = json.loads((RECORDED / f"{scenario}.json").read_text(encoding="utf-8"))
    cases = [case for case in recording["cases"] if not UNNEEDED & set(case.get("needs", []))]
    verdicts = [verdict for case in cases for verdict in play(case)]
    different = {name: differences for name, differences in verdicts if differences}
    share = 1 - len(different) / len(verdicts)
    assert share >= SHARE, json.dumps(different, indent=1, ensure_ascii=False)
