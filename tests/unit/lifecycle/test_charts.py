"""The columns of the charts: units, gaps, and values that go beyond what a VM has."""

import pytest

from bridge.lifecycle.charts import MB, SECONDS, series
from providers.proxmox.samples import TIMEFRAMES, Sample

GIB = 1 << 30


@pytest.mark.req("CLI-29")
def test_columns_are_in_the_units_of_the_pages() -> None:
    sample = Sample(60, 0.125, GIB / 4, GIB, diskread=MB, diskwrite=MB / 2, netin=3 * MB, netout=1024.0)
    assert series([sample]) == {
        "time": [60],
        "cpu": [12.5],
        "ram": [25.0],
        "ram_used": [GIB // 4],
        "ram_total": [GIB],
        "disk_read": [1.0],
        "disk_write": [0.5],
        "net_in": [3.0],
        "net_out": [0.001],
    }


@pytest.mark.req("CLI-29")
def test_a_gap_stays_a_gap_in_every_column() -> None:
    columns = series([Sample(60, cpu=0.5), Sample(120), Sample(180, maxmem=GIB)])
    assert columns["time"] == [60, 120, 180]
    assert columns["cpu"] == [50.0, None, None]
    assert columns["ram_total"] == [None, None, GIB]
    assert {len(column) for column in columns.values()} == {3}
    others = set(columns) - {"time", "cpu", "ram_total"}
    assert all(columns[name] == [None] * 3 for name in others)


def test_nothing_measured_is_no_columns_with_anything_in_them() -> None:
    assert set(map(len, series([]).values())) == {0}


def test_a_vm_uses_no_more_than_all_of_its_memory() -> None:
    """Proxmox VE 9 counts the memory of the QEMU process where the guest does not tell."""
    columns = series([Sample(60, mem=1.2 * GIB, maxmem=GIB), Sample(120, mem=5.0)])
    assert (columns["ram"], columns["ram_used"]) == ([100.0, None], [GIB, 5])


def test_every_period_of_proxmox_has_its_length() -> None:
    assert tuple(SECONDS) == TIMEFRAMES
