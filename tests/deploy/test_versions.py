"""A deploy on each supported Proxmox VE: all that is sent and all that is answered obeys that version's published API."""

import json

import pytest
import requests

from bridge.sandbox.proxmox import schema
from bridge.sandbox.proxmox.messages import Answer
from tests.chaos import invariants
from tests.contract.proxmox_wire import request_parts
from tests.deploy.conftest import Install

SHAPES = {
    "full clone on shared storage": {},
    "linked clone": {"clone_type": "linked"},
    "migration of local disks": {"os_template": "9001", "sys_storage": "local-lvm", "node": "pve3"},
    "everything on DHCP": {"dhcp_ipv4": "on", "dhcp_ipv6": "on"},
}


@pytest.mark.req("DEP-07", "DEP-13", "DEP-18", "PRV-05", "TPL-09", "INS-03")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("version", schema.VERSIONS)
def test_a_deploy_says_nothing_that_this_version_does_not_know(install: Install, version: str, shape: str) -> None:
    rig = install(version, **SHAPES[shape])
    complaints: list[str] = []

    def check(request: requests.PreparedRequest, answer: Answer) -> None:
        method, path, params = request_parts(request)
        found = schema.check_request(version, method, path, params)
        if answer.status < 300:
            found += schema.check_answer(version, method, path, json.loads(answer.body)["data"])
        complaints.extend(f"{method} {path}: {complaint}" for complaint in found)

    rig.witnesses.append(check)
    service = rig.deploy()
    assert complaints == []
    assert len(rig.sent) > 40
    wanted = (0, 0) if "DHCP" in shape else (2, 1)
    invariants.all_hold(rig, [service], {service: wanted})
