"""`kvm-bridge demo --once` as a child process: it tells by its exit code and its last words how it went."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import urllib3

ROOT = Path(__file__).parents[2]
Demo = subprocess.Popen[str]


@contextmanager
def demo(tmp_path: Path, *options: str) -> Iterator[Demo]:
    """The demo in a process group of its own, which ends with the block; its temporary files are in `tmp_path`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KVM_BRIDGE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "demo", *options],
        cwd=ROOT,
        env={**environment, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


@pytest.mark.req("OPS-01")
def test_the_demo_ends_well_when_the_mail_has_left(tmp_path: Path) -> None:
    with demo(tmp_path, "--once", "--speed", "20") as process:
        printed, complained = process.communicate(timeout=120)
        assert process.returncode == 0, printed + complained
    assert "Migrate to target node              success" in printed
    assert "--- Deploy complete: service=1 status=ready ---" in printed
    mail = printed.partition("The client got this mail:")[2]
    assert "To: zoe@example.com" in mail
    assert re.search(r"192\.168\.130\.\d+", mail)
    assert "Traceback" not in complained
    assert "\x1b" not in printed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("OPS-01")
def test_the_demo_ends_with_the_reason_when_the_vm_does_not_start(tmp_path: Path) -> None:
    with demo(tmp_path, "--once", "--speed", "4", "--limit", "12") as process:
        assert process.stdout is not None
        url = re.search(r"https://\S+", process.stdout.readline())
        assert url, "the first line names the sandbox cluster"
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        fault = {"kind": "task-fails", "task_type": "qmstart", "exit_status": "no KVM on this host", "times": 0}
        requests.post(f"{url[0]}/sandbox/faults", json=fault, verify=False, timeout=10).raise_for_status()
        printed, complained = process.communicate(timeout=60)
        assert process.returncode == 1, printed + complained
    assert (
        complained.rstrip()
        .rpartition("\n")[2]
        .startswith("kvm-bridge demo: after 12 s service 1 is at 'set_cloudinit'")
    )
    assert "no KVM on this host" in complained


def test_the_demo_takes_its_daemon_along_when_it_is_ended(tmp_path: Path) -> None:
    with demo(tmp_path, "--speed", "20") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ctrl-C ends the demo"):
                break
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        process.terminate()
        process.communicate(timeout=60)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    assert list(tmp_path.iterdir()) == []
