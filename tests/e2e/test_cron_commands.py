"""One tick from the command line: `kvm-bridge cron` and WHMCS's `php cron.php`, with real work behind them."""

import subprocess
import time
from pathlib import Path

import pytest

from bridge.models.companion import VmWork
from bridge.settings import Settings
from tests.chaos.processes import Installation, wait_until
from tests.integration.shim.whmcs import Browser
from tests.services import MariaDb


@pytest.fixture
def ordered(installation: Installation) -> tuple[Installation, int]:
    """An order that nobody has taken up yet; the web role runs."""
    installation.start("web")
    return installation, installation.order()


def php_cron(installation: Installation, *flags: str) -> "subprocess.Popen[str]":
    command = [installation.php.php, "-q", str(installation.php.addon_file("cron.php")), *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")


@pytest.mark.req("OPS-08", "CRN-36", "CRN-42")
def test_kvm_bridge_cron_runs_one_tick_and_ends(ordered: tuple[Installation, int]) -> None:
    installation, service = ordered
    printed = installation.command("cron").printed.splitlines()
    assert printed[0].endswith(" PUQ Proxmox KVM Cron Start")
    assert " PUQ Proxmox KVM Cron End (" in printed[-1]
    assert f"--- Deploy complete: service={service} status=ready ---" in printed
    assert [mail.service_id for mail in installation.whmcs.mails] == [service, service]


@pytest.mark.req("OPS-08")
def test_a_tick_with_nothing_to_do_ends_well(installation: Installation) -> None:
    assert "processed: 0, errors: 0" in installation.command("cron", "--force").printed


@pytest.mark.req("CRN-04", "PRT-19")
def test_php_cron_streams_a_real_tick(ordered: tuple[Installation, int]) -> None:
    installation, service = ordered
    with php_cron(installation) as process:
        assert process.stdout is not None
        assert process.stdout.readline().rstrip().endswith(" PUQ Proxmox KVM Cron Start")
        assert installation.states()[service] != "ready"
        rest = process.stdout.read().splitlines()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0
    assert f"--- Deploy complete: service={service} status=ready ---" in rest
    assert " PUQ Proxmox KVM Cron End (" in rest[-1]


@pytest.mark.req("OPS-08")
def test_a_tick_without_a_database_ends_with_an_error(ordered: tuple[Installation, int], mariadb: MariaDb) -> None:
    installation, _ = ordered
    mariadb.stop()
    try:
        by_hand, through_php = installation.start("cron"), php_cron(installation)
        said, complained = through_php.communicate(timeout=90)
        assert by_hand.wait(90) == 1
    finally:
        mariadb.start()
    assert by_hand.logged.count("\n") == 1
    assert by_hand.logged.startswith("kvm-bridge: Database ")
    assert through_php.returncode != 0
    assert "database" in (said + complained).lower()
    assert "Traceback" not in said + complained


def test_a_run_through_the_web_is_held_by_the_process_that_works(ordered: tuple[Installation, int]) -> None:
    """Gunicorn's processes share an application that was made before they were born; a lease must name one of them."""
    installation, service = ordered
    installation.cluster.timing.durations["qmclone"] = 2.0 * installation.cluster.timing.speed
    web = installation.processes[-1].pid
    with php_cron(installation) as process:
        wait_until(lambda: VmWork.get_by_id(service).lease_owner, 30, lambda: "\n".join(installation.lines))
        holder = VmWork.get_by_id(service).lease_owner.split("/")[-2]
        process.communicate(timeout=60)
    assert holder in Path(f"/proc/{web}/task/{web}/children").read_text().split()


@pytest.mark.req("CRN-02", "CRN-03")
def test_whmcs_s_cron_alone_gets_an_order_done(ordered: tuple[Installation, int]) -> None:
    """No scheduler runs and no crontab entry is there: the hook begins a run, and does not wait for it."""
    installation, service = ordered
    assert installation.states()[service] == "creation"
    report = installation.php.hook("AfterCronJob", browser=Browser())
    assert report.silent, report
    installation.wait_until_ready([service])


def test_where_a_scheduler_works_whmcs_s_cron_leaves_the_work_to_it(ordered: tuple[Installation, int]) -> None:
    installation, service = ordered
    Settings().set_scheduler_seen(time.time())
    assert installation.php.hook("AfterCronJob", browser=Browser()).silent
    installation.command("cron", "--task=collectingStatistics")  # time enough for the other to have begun
    assert (installation.states()[service], VmWork.get_by_id(service).lease_owner) == ("creation", None)


@pytest.mark.req("CRN-05")
def test_in_standalone_mode_whmcs_s_cron_does_nothing(ordered: tuple[Installation, int]) -> None:
    installation, service = ordered
    Settings().change({"cron_mode": "standalone"})
    time.sleep(1.2)  # by then everybody knows it
    assert installation.php.hook("AfterCronJob", browser=Browser()).silent
    installation.command("cron", "--task=collectingStatistics")  # time enough for the other to have begun
    assert (installation.states()[service], VmWork.get_by_id(service).lease_owner) == ("creation", None)
    installation.command("cron")
    assert installation.states()[service] == "ready"
