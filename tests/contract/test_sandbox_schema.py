"""The schema checks agree with what a real node accepted, refused and answered."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.proxmox.schema import VERSIONS, check_answer, check_request, load

RECORDED = Path(__file__).parent.parent / "data" / "pve-recorded"

# What only the node itself can know: the VM, the file, the task, or what one option means for another.
BEYOND_A_SCHEMA = re.compile(
    r"already exists|unable to associate|^unknown (option|macro|action)|at the same time|unable to parse (drive|worker)|no such|No such"
    r"|zero prefix|does not exist|requires this property|invalid format - |regex pattern '|^property is missing$"
)


def recorded_entries() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Scenario/entry, concrete path and the entry, for every request that the schema files cover."""
    for file in sorted(RECORDED.glob("*.json")):
        for case in json.loads(file.read_text(encoding="utf-8"))["cases"]:
            for entry in case["entries"]:
                path = concrete(entry["path"])
                if "?" not in path and load("8.4").find(entry["method"], path):
                    yield f"{file.stem}/{entry['id']}", path, entry


def concrete(value: Any) -> Any:
    """A request template with names that a node could have."""
    if isinstance(value, dict):
        return {concrete(k): concrete(v) for k, v in value.items()}
    if isinstance(value, list):
        return [concrete(item) for item in value]
    return re.sub(r"\{([a-z]\w*)(?:\|\w+)?\}", _name, value) if isinstance(value, str) else value


def _name(match: re.Match[str]) -> str:
    name = match[1]
    if re.fullmatch(r"vm\d|missing|t_\w+", name):
        return "7301"
    if name in ("node", "storage", "storage2", "bridge"):
        return "pve1" if name == "node" else name
    if name in ("case_start", "gpid"):
        return "1790000000"
    if name == "dg":
        return "0" * 40
    return f"UPID:pve1:00001234:00001234:65000000:{name}:7301:root@pam:"


def sent(entry: dict[str, Any]) -> dict[str, Any]:
    """The parameters as they went over the wire."""
    params = concrete(entry.get("params") or {})
    if entry.get("encoding") == "json":
        return {name: value for name, value in params.items() if value is not None}
    return {name: value if isinstance(value, list) else str(value) for name, value in params.items()}


def answered(value: Any) -> Any:
    """A recorded answer with numbers where the recording has placeholders for them."""
    if isinstance(value, dict):
        return {key: answered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [answered(item) for item in value]
    return 7301 if isinstance(value, str) and re.fullmatch(r"<\w+(\|int)?>", value) else value


def test_every_request_that_a_real_node_accepted_is_accepted() -> None:
    wrong = {
        name: complaints
        for name, path, entry in recorded_entries()
        if entry["status"] == 200 and entry.get("encoding") != "multipart"
        if (complaints := check_request("8.4", entry["method"], path, sent(entry)))
    }
    assert wrong == {}


def test_every_parameter_that_a_real_node_refused_by_its_schema_is_refused_in_the_same_words() -> None:
    checked, wrong = 0, {}
    for name, path, entry in recorded_entries():
        errors = ((entry.get("body") or {}).get("errors") or {}) if entry["status"] == 400 else {}
        expected = {f"{key}: {text.strip()}" for key, text in errors.items() if not BEYOND_A_SCHEMA.search(text)}
        found = set(check_request("8.4", entry["method"], path, sent(entry))) if expected else set()
        checked += len(expected)
        if not expected <= found:
            wrong[name] = (expected, found)
    assert wrong == {}
    assert checked > 50


def test_every_answer_of_a_real_node_has_the_shape_that_the_schema_promises() -> None:
    wrong = {
        name: complaints
        for name, path, entry in recorded_entries()
        if entry["status"] == 200 and entry["body"] and not path.endswith("/log")
        if (complaints := check_answer("8.4", entry["method"], path, answered(entry["body"].get("data"))))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"cores": "0"}, "cores: value must have a minimum value of 1"),
        ({"onboot": "yes"}, "onboot: type check ('boolean') failed - got 'yes'"),
        ({"cores": True}, "cores: type check ('integer') failed - got JSON::PP::Boolean"),
        ({"net0": {"model": "virtio"}}, "net0: type check ('string') failed - got HASH"),
        ({"net0": "virtio,bridge=vmbr0,bridge=vmbr1"}, "net0: invalid format - duplicate key"),
        ({"net01": "virtio"}, "net01: property is not defined in schema"),
        ({"scsi31": "local:1"}, "scsi31: property is not defined in schema"),
        ({"ipconfig0": "ip6=2001:db8::1"}, "ipconfig0: invalid format - format error"),
        ({"boot": "order=scsi0;floppy"}, "boot: invalid format - format error"),
        ({"sshkeys": "ssh-rsa AAAA"}, "sshkeys: invalid format - invalid urlencoded string"),
        ({"description": "x" * 8193}, "description: value may only be 8192 characters long"),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_bad_option_is_refused_by_every_version(version: str, params: dict[str, Any], complaint: str) -> None:
    found = check_request(version, "PUT", "/nodes/pve1/qemu/100/config", params)
    assert len(found) == 1
    assert found[0].startswith(complaint)


@pytest.mark.parametrize(
    ("version", "params", "accepted"),
    [
        ("7.4", {"memory": "2048"}, True),
        ("7.4", {"memory": "current=2048"}, False),
        ("8.4", {"memory": "current=2048"}, True),
        ("7.4", {"ciupgrade": "0"}, False),
        ("8.4", {"ciupgrade": "0"}, True),
        ("8.4", {"allow-ksm": "1"}, False),
        ("9.2", {"allow-ksm": "1"}, True),
    ],
)
def test_versions_differ_where_the_published_schemas_do(version: str, params: dict[str, str], accepted: bool) -> None:
    assert (check_request(version, "PUT", "/nodes/pve1/qemu/100/config", params) == []) is accepted


def test_a_path_that_no_version_has_is_a_complaint() -> None:
    assert check_request("8.4", "GET", "/nodes/pve1/qemu/100/resize", {}) == [
        "8.4 has no GET /nodes/pve1/qemu/100/resize"
    ]


def test_an_address_with_a_slash_is_one_path_value() -> None:
    path = "/nodes/pve1/qemu/100/firewall/ipset/ipfilter-net0/10.0.0.0%2F24"
    found = load("8.4").find("DELETE", path)
    assert found is not None
    assert found[0].values["cidr"] == "10.0.0.0/24"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([{"node": "pve1"}], "data[0].status: missing"),
        ({"node": "pve1"}, "data: dict instead of a list"),
        ([{"node": "pve1", "status": "online", "maxcpu": "many"}], "data[0].maxcpu: 'many' is no integer"),
    ],
)
def test_an_answer_of_another_shape_is_a_complaint(data: Any, complaint: str) -> None:
    assert check_answer("8.4", "GET", "/nodes", data) == [complaint]
