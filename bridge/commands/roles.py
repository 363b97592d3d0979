"""The roles of the daemon: `serve` runs all of them, each also runs alone."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from types import FrameType

import click

from bridge.config import Config, ConfigError, load_config
from bridge.database import close_connection
from bridge.observation.endpoint import serving_metrics
from bridge.observation.meters import SHARED_FOLDER
from bridge.upgrade import bring_up_to_date
from bridge.wiring import WHMCS_API, House, house_from_environment

ROLES = ("web", "scheduler")
PR_SET_PDEATHSIG = 1  # linux/prctl.h
RESTART_PAUSE = 1.0  # seconds before a role that died is started again


@click.command("web")
@click.option("--workers", default=2, show_default=True, help="Web processes.")
@click.option("--threads", default=8, show_default=True, help="Threads of each.")
def web_command(workers: int, threads: int) -> None:
    """Serve the module protocol to the PHP shim (gunicorn)."""
    config = load_config(os.environ, need=("secret",))
    # The web processes share their counters here; `bridge.observation.gunicorn_hooks` removes the folder at the end.
    os.environ[SHARED_FOLDER] = tempfile.mkdtemp(prefix="kvm-bridge-metrics-")
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *_gunicorn_options(config, workers, threads), "wsgi"])


@click.command("scheduler")
def scheduler_command() -> None:
    """Work on VMs all the time; a new order is taken up within a second."""
    house = house_from_environment(need=WHMCS_API)
    scheduler = house.scheduler()
    signal.signal(signal.SIGTERM, lambda *_: scheduler.stop())
    signal.signal(signal.SIGINT, lambda *_: scheduler.stop())
    with ExitStack() as around:
        _show_metrics(house, around)
        scheduler.run()


def _show_metrics(house: House, around: ExitStack) -> None:
    """The scheduler's endpoint, where the configuration asks for one, until `around` ends. Raises ConfigError."""
    address = house.config.metrics_address
    if address is None:
        return
    try:
        around.enter_context(serving_metrics(*address, house.meters.text, lambda: house.pulse.alive))
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(f"metrics_listen: cannot listen on {house.config.metrics_listen}: {cause}") from error


@click.command("vnc")
@click.pass_context
def vnc_command(context: click.Context) -> None:
    """Proxy the console (not available yet in this version)."""
    click.echo("kvm-bridge vnc: the console is not available yet in this version of KVM Bridge", err=True)
    context.exit(1)


@click.command("serve")
def serve_command() -> None:
    """Run all roles; one that dies is started again. Brings the tables up to date first."""
    house = house_from_environment(need=("secret", *WHMCS_API))
    for line in bring_up_to_date(house.database).imports:
        click.echo(f"kvm-bridge: {line}", err=True)
    close_connection()
    sys.exit(Supervisor().run())


class Supervisor:
    """Starts one process per role and passes on the order to stop."""

    def __init__(self) -> None:
        self._stopping = False
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def run(self) -> int:
        """Until told to stop; 0 when all roles ended well then."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self._stopping:
            for role in ROLES:
                self._ensure(role)
            time.sleep(RESTART_PAUSE)
        codes = {child.wait() for child in self._children.values()}
        return max(abs(code) for code in codes if code != -signal.SIGTERM) if codes - {-signal.SIGTERM} else 0

    def _ensure(self, role: str) -> None:
        child = self._children.get(role)
        if self._stopping or (child is not None and child.poll() is None):
            return
        if child is not None:
            click.echo(f"kvm-bridge: the {role} role ended with {child.returncode} and is started again", err=True)
        self._children[role] = subprocess.Popen([sys.executable, "-m", "bridge", role], preexec_fn=_end_with_parent)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)


def _end_with_parent() -> None:
    """In the child: get SIGTERM when the supervisor is gone, so that a killed `serve` leaves nobody behind (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _gunicorn_options(config: Config, workers: int, threads: int) -> list[str]:
    return [
        "--config",
        "python:bridge.observation.gunicorn_hooks",
        "--bind",
        config.listen,
        "--workers",
        str(workers),
        "--threads",
        str(threads),
        "--worker-class",
        "gthread",
        "--preload",
        "--timeout",
        "0",  # a streamed cron run may take minutes
        "--graceful-timeout",
        "20",
        "--log-level",
        "warning",
    ]
