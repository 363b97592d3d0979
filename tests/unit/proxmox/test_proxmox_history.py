"""Reading traffic out of the RRD."""

import pytest
import responses

from providers.errors import ProviderError
from providers.proxmox import Proxmox
from providers.proxmox.history import Rates

from .conftest import API, Calls

PATH = f"{API}/nodes/pve1/qemu/100/rrddata"


def test_samples_have_their_length_from_their_distance(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    rows = [
        {"time": 1800, "netin": 2.75, "netout": 0},
        {"time": 3600, "cpu": 0.1},
        {"time": 5400, "netin": 7, "netout": 8},
    ]
    net.get(PATH, json={"data": rows})
    assert proxmox.traffic("pve1", 100, "day") == [
        Rates(1800, 1800, 2.75, 0.0),
        Rates(3600, 1800, None, None),
        Rates(5400, 1800, 7.0, 8.0),
    ]
    assert sent.lines == ["GET /nodes/pve1/qemu/100/rrddata?timeframe=day&cf=AVERAGE"]


@pytest.mark.parametrize("value", [None, "nan", "NaN", -5, "inf", "many"])
def test_what_is_no_rate_is_not_known(net: responses.RequestsMock, proxmox: Proxmox, value: object) -> None:
    net.get(PATH, json={"data": [{"time": 60, "netin": value, "netout": value}, {"time": 120}]})
    assert proxmox.traffic("pve1", 100, "hour")[0] == Rates(60, 60, None, None)


@pytest.mark.parametrize("rows", [[], [{"time": 60, "netin": 5, "netout": 5}]])
def test_of_a_single_sample_nobody_knows_how_long_it_is(
    net: responses.RequestsMock, proxmox: Proxmox, rows: list[dict[str, int]]
) -> None:
    net.get(PATH, json={"data": rows})
    assert proxmox.traffic("pve1", 100, "hour") == []


def test_a_file_that_is_missing_is_an_error_that_names_the_vm(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.get(PATH, status=500, json={"data": None, "message": "RRD error: No such file or directory\n"})
    with pytest.raises(ProviderError, match=r"VM 100 on node pve1.*RRD error"):
        proxmox.traffic("pve1", 100, "hour")
