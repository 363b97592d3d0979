"""Real processes, killed with SIGKILL at random moments, two at a time for a while, the database restarted meanwhile."""

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.database import close_connection
from tests.chaos import invariants
from tests.chaos.processes import Installation, Process
from tests.services import MariaDb

SOAK = bool(os.environ.get("SOAK"))
SEEDS = range(1, 11) if SOAK else range(1, 3)
KILLS = 25 if SOAK else 4
ORDERS = 6
LONGEST_LIFE = 2.5  # seconds; a deploy alone takes about two, so that death meets every step sooner or later
REST = 60.0  # seconds that leases, claims and pauses written down by the dead may last at most


def live_and_die(installation: Installation, rng: random.Random, companions: int) -> None:
    """Schedulers begin to work and are killed, some moment after their first call or line."""
    alive = [installation.start("scheduler") for _ in range(companions)]
    wait_for_work(installation, alive[0])
    time.sleep(rng.uniform(0, LONGEST_LIFE))
    for process in alive:
        process.kill()


def wait_for_work(installation: Installation, process: Process) -> None:
    """Starting takes longer than dying should: wait until something is done, or 10 s when nothing is left to do."""
    calls, give_up_at = len(installation.calls), time.monotonic() + 10
    while len(installation.calls) == calls and time.monotonic() < give_up_at:
        assert process.running, process.logged
        time.sleep(0.01)


def finish(installation: Installation, services: list[int]) -> None:
    """The last life is not disturbed. What the dead had claimed or paused is as good as a minute old."""
    installation.pass_time(REST)
    installation.start("scheduler")
    installation.wait_until_ready(services, timeout=90)
    invariants.all_hold(installation, services, dict.fromkeys(services, (2, 1)))
    for service in services:
        invariants.vm_fits_package(installation, service)


@pytest.mark.req("ENG-33")
@pytest.mark.parametrize("seed", SEEDS)
def test_schedulers_killed_at_random_moments_corrupt_nothing(mariadb_url: str, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    with Installation(tmp_path, mariadb_url) as installation:
        web = installation.start("web")
        services = [installation.order() for _ in range(ORDERS)]
        web.stop()
        for _ in range(KILLS):
            live_and_die(installation, rng, companions=rng.choice([1, 2]))
            if rng.random() < 0.3:
                installation.pass_time(REST)
        finish(installation, services)


@pytest.mark.req("ENG-33", "ENG-35")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_the_database_in_the_middle_is_survived(
    mariadb: MariaDb, mariadb_url: str, tmp_path: Path, how: signal.Signals
) -> None:
    with Installation(tmp_path, mariadb_url) as installation:
        web = installation.start("web")
        services = [installation.order() for _ in range(ORDERS // 2)]
        late = installation.shop.order("ordered-meanwhile")
        parameters = installation.whmcs.module_parameters(late)
        scheduler = installation.start("scheduler")
        wait_for_work(installation, scheduler)
        time.sleep(random.Random(how).uniform(0.2, 1.5))
        mariadb.stop(how)
        close_connection()
        with ThreadPoolExecutor(1) as background:
            restarted = background.submit(mariadb.start)
            assert installation.call_module("CreateAccount", parameters) == "success"
            restarted.result()
        services.append(late)
        installation.wait_until_ready(services, timeout=90)
        assert scheduler.running
        assert web.running
        assert "Traceback" not in scheduler.logged
        invariants.all_hold(installation, services, dict.fromkeys(services, (2, 1)))
