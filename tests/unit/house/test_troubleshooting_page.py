"""The pages about trouble and about the firewall say what the documentation of the product says, in words that are true here."""

import re

import pytest

from bridge.settings import Settings
from statemachines.steps.firewall import ANTISPOOFING_SET
from tests.unit.house.import_graph import ROOT

TROUBLE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
FIREWALL = " ".join((ROOT / "docs" / "firewall.md").read_text(encoding="utf-8").split())


def section(title: str) -> str:
    """The text below a heading that begins so, up to the next one."""
    return re.split(r"^##+ ", TROUBLE.partition(f"{title}")[2], maxsplit=1, flags=re.MULTILINE)[0]


STEPS = {
    0: ("crons/cron.php", "systemctl stop kvm-bridge"),
    1: ("php modules/addons/puq_proxmox_kvm/cron.php --force 2>&1 | tee /tmp/puq-cron.log", "kvm-bridge cron --force"),
    2: ("Module Debug Log", "Enable Debug Logging", "puqProxmoxKVM", "switch it off"),
    3: ("Activity Log",),
    4: ("journalctl -u pvedaemon -u pveproxy -u pve-firewall",),
    5: ("/var/log/pve/tasks/",),
    6: ("/etc/pve/firewall/100.fw", "/etc/pve/firewall/cluster.fw"),
}


@pytest.mark.req("LOG-07")
@pytest.mark.parametrize("number", STEPS)
def test_each_step_of_collecting_logs_is_told(number: int) -> None:
    text = section(f"### Step {number}: ")
    assert [word for word in STEPS[number] if word not in text] == []


@pytest.mark.req("LOG-07")
def test_what_to_send_is_listed_in_nine_points() -> None:
    points = re.findall(r"^(\d)\. (.+)$", section("### What to send\n"), re.MULTILINE)
    assert [int(number) for number, _ in points] == list(range(1, 10))
    wanted = (
        "puq-cron.log",
        "module log",
        "activity log",
        "Proxmox",
        "firewall",
        "status",
        "version",
        "PHP",
        "Proxmox VE",
    )
    assert [word for word, (_, text) in zip(wanted, points, strict=True) if word not in text] == []


@pytest.mark.req("CRN-23")
@pytest.mark.parametrize("check", ["WHMCS's cron", "The crontab entry", "The path of the PHP CLI", "File permissions"])
def test_what_to_check_when_the_tasks_do_not_run_is_named(check: str) -> None:
    assert f"- **{check}**" in section("## The tasks do not run\n")


def test_the_page_names_a_setting_that_exists() -> None:
    assert f"`{Settings.module_log.name}`" in TROUBLE


@pytest.mark.req("FW-13")
def test_the_page_warns_of_the_input_policy_drop() -> None:
    assert "An input policy of DROP blocks everything that no rule allows" in FIREWALL


@pytest.mark.req("FW-19")
def test_the_page_tells_what_anti_spoofing_needs() -> None:
    assert f"`{ANTISPOOFING_SET}`" in FIREWALL
    assert "effective only with a DENY policy, in and out, on cluster and node" in FIREWALL
