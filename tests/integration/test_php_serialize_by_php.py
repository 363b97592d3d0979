"""Real PHP reads what we serialize, and we read what real PHP serializes."""

import json
import subprocess

import pytest

from providers.whmcs import phpserialize
from tests.services import require_program

MAPS = [
    {},
    {"vm_id": "2001", "server_hostname": "pve.example.com"},
    {"name": "Zoë Łódź 🙂", 'quote"key': 'a";s:1:"b', "": "empty", "5": "numeric key", "line": "a\nb"},
]


@pytest.mark.parametrize("values", MAPS)
def test_php_unserializes_what_we_send(values: dict[str, str]) -> None:
    code = "echo json_encode((object) unserialize(base64_decode($argv[1]), ['allowed_classes' => false]));"
    assert json.loads(php(code, phpserialize.to_parameter(values))) == values


@pytest.mark.parametrize("values", MAPS)
def test_we_read_what_php_serializes(values: dict[str, str]) -> None:
    code = "echo base64_encode(serialize(json_decode($argv[1], true)));"
    assert phpserialize.from_parameter(php(code, json.dumps(values))) == values


def php(code: str, argument: str) -> str:
    command = [require_program("php"), "-n", "-r", code, argument]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
