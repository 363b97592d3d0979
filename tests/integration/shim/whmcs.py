"""A WHMCS tree with the shim installed, and a way to call its functions with real PHP."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.installer import ShimSettings, install_shim
from tests.daemon import SECRET

PHP_FOLDER = Path(__file__).parent / "php"
SERVER_FILE = "servers/puqProxmoxKVM/puqProxmoxKVM.php"
ADDON_FILE = "addons/puq_proxmox_kvm/puq_proxmox_kvm.php"
HOOKS_FILE = "addons/puq_proxmox_kvm/hooks.php"
QUICK = {"connect_timeout": 1, "timeout": 1, "hook_timeout": 1, "long_timeout": 1, "stream_idle_timeout": 2}


@dataclass(frozen=True)
class Call:
    """One call of a module function or of everything that hangs on a hook."""

    function: str = ""
    arguments: Sequence[Any] = ()
    hook: str = ""
    model: bool = False
    menu: bool = False
    then: Sequence[str] = ()
    then_arguments: Sequence[Any] = ()


@dataclass(frozen=True)
class Report:
    """What calls led to. `printed` is the process's standard output."""

    results: list[Any]
    printed: str
    problems: list[str]
    thrown: list[str]
    fatal: str
    log: list[list[Any]]
    hooks: list[str]
    included: list[str]
    ended: bool
    stderr: str

    @property
    def result(self) -> Any:
        """The value that the only call returned."""
        assert len(self.results) == 1, self
        return self.results[0]

    @property
    def silent(self) -> bool:
        """Nothing was printed, thrown, warned about or left unfinished."""
        quiet = not (self.printed or self.stderr or self.problems or self.thrown or self.fatal)
        return quiet and self.ended


@dataclass
class Browser:
    """The circumstances of a call: session, request, and the constants of the area of WHMCS."""

    session: Mapping[str, Any] = field(default_factory=dict)
    get: Mapping[str, Any] = field(default_factory=dict)
    post: Mapping[str, Any] = field(default_factory=dict)
    server: Mapping[str, str] = field(default_factory=dict)
    defines: Sequence[str] = ()


ADMIN = Browser(session={"adminid": 1, "adminlang": "german"}, defines=["ADMINAREA"])
CLIENT = Browser(session={"uid": 7, "Language": "polish"}, defines=["CLIENTAREA"], server={"REQUEST_METHOD": "GET"})
NOBODY = Browser()


class Whmcs:
    """A WHMCS tree in `folder`, its shim talking to `url`."""

    def __init__(self, php: str, folder: Path, url: str, ca_file: str = "", **numbers: int) -> None:
        self.php = php
        self.tree = folder / "whmcs"
        for needed in ("modules/servers", "modules/addons"):
            (self.tree / needed).mkdir(parents=True, exist_ok=True)
        (self.tree / "init.php").touch()
        self.report = folder / "report.json"
        self.settings = ShimSettings(url, SECRET, ca_file, {**QUICK, **numbers})
        install_shim(self.tree, self.settings)

    def run(
        self,
        calls: Sequence[Call],
        browser: Browser = ADMIN,
        load: Sequence[str] = (SERVER_FILE, ADDON_FILE, HOOKS_FILE),
        options: Sequence[str] = (),
    ) -> Report:
        """Make these calls in one PHP process."""
        job = {
            "tree": str(self.tree),
            "report": str(self.report),
            "load": list(load),
            "calls": [vars(call) for call in calls],
            **vars(browser),
        }
        self.report.unlink(missing_ok=True)
        process = subprocess.run(
            [self.php, "-d", "error_log=/dev/stderr", *options, str(PHP_FOLDER / "call.php")],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        told = json.loads(self.report.read_text())
        return Report(printed=process.stdout.decode(), stderr=process.stderr.decode(), **told)

    def call(self, function: str, *arguments: Any, browser: Browser = ADMIN, **more: Any) -> Report:
        """Call one function of the modules."""
        return self.run([Call(function, arguments, **more)], browser)

    def run_php(self, code: str) -> Report:
        """Run PHP code in this WHMCS; its return value is the result."""
        return self.run([Call("run_code", [code])])

    def hook(self, name: str, *arguments: Any, browser: Browser = ADMIN, **more: Any) -> Report:
        """Run what hangs on a hook."""
        return self.run([Call(hook=name, arguments=arguments, **more)], browser)

    def addon_file(self, name: str) -> Path:
        """A file of the addon module."""
        return self.tree / "modules/addons/puq_proxmox_kvm" / name

    def server_file(self, name: str) -> Path:
        """A file of the server module."""
        return self.tree / "modules/servers/puqProxmoxKVM" / name


def service_params(**changes: Any) -> dict[str, Any]:
    """Parameters as WHMCS passes them for a service, secrets included."""
    params: dict[str, Any] = {
        "whmcsVersion": "8.13.0-release.1",
        "accountid": 5,
        "serviceid": 5,
        "addonId": 0,
        "userid": 7,
        "domain": "vm.example.com",
        "username": "root",
        "password": "client-password",
        "packageid": 3,
        "pid": 3,
        "serverid": 2,
        "status": "Pending",
        "qty": 1,
        "type": "server",
        "producttype": "server",
        "moduletype": "puqProxmoxKVM",
        **{f"configoption{number}": f"setting {number}" for number in range(1, 25)},
        "customfields": {"ssh key": "ssh-ed25519 AAAA klucz@zażółć"},
        "configoptions": {"CPU Cores": "2", "RAM": 4},
        "server": True,
        "serverip": "192.0.2.1",
        "serverhostname": "pve1.example.com",
        "serverusername": "root@pam!whmcs",
        "serverpassword": "server-password",
        "serveraccesshash": "server-access-hash",
        "serversecure": True,
        "serverhttpprefix": "https",
        "serverport": "8006",
        "clientsdetails": {
            "id": 7,
            "userid": 7,
            "firstname": "Zoë",
            "lastname": "O'Brien",
            "email": "zoe@example.com",
            "language": "polish",
            "address1": "Hidden Street 1",
            "phonenumber": "555-0100",
            "notes": "pays late",
        },
    }
    return params | changes


SECRETS = (SECRET, "client-password", "server-password", "server-access-hash")
