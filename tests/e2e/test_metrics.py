"""Health and metrics of the real processes."""

from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.processes import Installation, wait_until
from tests.services import free_port

Counted = dict[tuple[str, str], float]


def scrape(url: str) -> dict[str, Counted]:
    """Steps and Proxmox calls that have ended, by (step, outcome) and (method, outcome)."""
    answer = requests.get(f"{url}/metrics", timeout=10)
    assert answer.status_code == 200, answer.text
    counted: dict[str, Counted] = {"step": {}, "method": {}}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            for key, name in (("step", "kvm_bridge_steps_total"), ("method", "kvm_bridge_proxmox_calls_total")):
                if sample.name == name:
                    counted[key][sample.labels[key], sample.labels["outcome"]] = sample.value
    return counted


@pytest.mark.req("OBS-02", "OBS-08")
def test_each_role_shows_what_it_counted_and_all_web_processes_the_sum(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    web = installation.start("web", "--workers", "3", TMPDIR=str(tmp_path / "tmp"))
    url = installation.daemon_url
    assert requests.get(f"{url}/healthz", timeout=10).json() == {"status": "ok"}
    assert requests.get(f"{url}/readyz", timeout=10).status_code == 503
    own = f"http://127.0.0.1:{free_port()}"
    installation.start("scheduler", KVM_BRIDGE_METRICS_LISTEN=own.removeprefix("http://"))
    wait_until(
        lambda: requests.get(f"{url}/readyz", timeout=10).status_code == 200,
        30,
        lambda: requests.get(f"{url}/readyz", timeout=10).text,
    )
    service = installation.order()
    installation.wait_until_ready([service])
    assert requests.get(f"{own}/healthz", timeout=10).json() == {"status": "ok"}
    assert scrape(own)["step"]["VMClone", "done"] == 1.0
    assert scrape(own)["method"]["POST", "ok"] >= 2.0
    assert scrape(url)["step"] == {}
    params = installation.whmcs.module_parameters(service)
    for name in ("VMStop", "VMStart") * 3:
        assert installation.call_module(name, params) == "success"
    for _ in range(12):
        assert scrape(url)["step"] == {("VMStop", "done"): 3.0, ("VMStart", "done"): 3.0}
    assert len(list((tmp_path / "tmp").glob("kvm-bridge-metrics-*"))) == 1
    assert web.stop() == 0
    assert list((tmp_path / "tmp").glob("kvm-bridge-metrics-*")) == []


@pytest.mark.req("OBS-08")
def test_without_a_setting_the_scheduler_listens_nowhere(installation: Installation) -> None:
    scheduler = installation.start("scheduler")
    wait_until(lambda: installation_works(installation), 30, lambda: scheduler.logged)
    opened = Path(f"/proc/{scheduler.pid}/net/tcp").read_text()
    mine = {link.readlink().name for link in Path(f"/proc/{scheduler.pid}/fd").iterdir() if link.is_symlink()}
    listening = [line.split()[9] for line in opened.splitlines()[1:] if line.split()[3] == "0A"]
    assert not [inode for inode in listening if f"socket:[{inode}]" in mine]


def installation_works(installation: Installation) -> bool:
    """Whether the scheduler has shown a sign of life."""
    return "last seen never" not in installation.command("status").printed


def test_an_address_that_is_taken_stops_the_start_with_one_line(installation: Installation) -> None:
    installation.start("web")
    taken = installation.daemon_url.removeprefix("http://")
    scheduler = installation.start("scheduler", KVM_BRIDGE_METRICS_LISTEN=taken)
    assert scheduler.wait() == 1
    assert (
        scheduler.logged.splitlines()[-1]
        == f"kvm-bridge: metrics_listen: cannot listen on {taken}: Address already in use"
    )
