"""Samples as the versions of Proxmox VE send them, with everything that may be missing."""

from typing import Any

import pytest

from providers.proxmox import Endpoint, Proxmox
from providers.proxmox.samples import Sample
from tests.contract.proxmox_wire import Canned

ENDPOINT = Endpoint("pve1.example.com", token_id="bridge@pve!whmcs", token_secret="secret")


def read(rows: list[dict[str, Any]]) -> list[Sample]:
    return Proxmox(ENDPOINT, adapter=Canned(lambda *_: rows)).samples("pve1", 100, "day")


def test_a_row_with_its_time_only_is_a_gap() -> None:
    assert read([{"time": 60}]) == [Sample(60)]


@pytest.mark.parametrize("value", [None, "NaN", "nan", "inf", "", "U"])
def test_what_is_no_number_was_not_measured(value: object) -> None:
    assert read([{"time": 60, "cpu": value, "mem": 5}]) == [Sample(60, mem=5.0)]


def test_numbers_may_be_text() -> None:
    assert read([{"time": "60", "cpu": "0.25", "netin": "1.5e3"}]) == [Sample(60, cpu=0.25, netin=1500.0)]


def test_columns_of_a_newer_version_do_not_matter() -> None:
    """Those of Proxmox VE 9."""
    row = {"time": 60, "cpu": 0.5, "memhost": 7, "pressurecpusome": 0, "pressureiofull": 1.5, "maxcpu": 2, "disk": 0}
    assert read([row]) == [Sample(60, cpu=0.5)]


def test_after_an_upgrade_the_samples_of_both_databases_are_one_series() -> None:
    """Proxmox VE 9 sends those of the former database first; at the seam a time may be there twice."""
    former = [{"time": 0, "cpu": 0.1}, {"time": 1800, "cpu": 0.2, "mem": 5}]
    newer = [{"time": 1740, "cpu": 0.3}, {"time": 1800, "cpu": None, "netin": 3}, {"time": 1860}]
    assert read([*former, *newer]) == [
        Sample(0, cpu=0.1),
        Sample(1740, cpu=0.3),
        Sample(1800, cpu=0.2, mem=5.0, netin=3.0),
        Sample(1860),
    ]
