"""The source of the shim: parses, runs on PHP 7.4 to 8.4, and is laid out as WHMCS expects."""

import configparser
import inspect
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.protocol import signing
from bridge.web import addon, client, hook, module
from tests.integration.shim.whmcs import PHP_FOLDER
from whmcs_shim import shim_root

FILES = sorted(shim_root().rglob("*.php"))
CHECKER = PHP_FOLDER / "newer_than_74.php"


def too_new(php: str, *files: Path) -> list[str]:
    done = subprocess.run([php, str(CHECKER), *map(str, files)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.req("INS-06")
def test_the_product_is_two_modules_under_their_known_names() -> None:
    modules = {path.relative_to(shim_root()).parts[1:3] for path in FILES}
    assert modules == {("servers", "puqProxmoxKVM"), ("addons", "puq_proxmox_kvm")}
    assert all((shim_root() / "modules" / kind / name / f"{name}.php").is_file() for kind, name in modules)


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_every_file_parses_without_a_word(php: str, file: Path) -> None:
    command = [php, "-d", "error_reporting=-1", "-d", "display_errors=1", "-l", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"No syntax errors detected in {file}")


@pytest.mark.req("PRT-18")
def test_nothing_newer_than_php_74_is_used(php: str) -> None:
    assert too_new(php, *FILES) == []


@pytest.mark.parametrize(
    "code",
    [
        "$a = match (1) { 1 => 2 };",
        "$a = $b?->c;",
        "enum A { case B; }",
        "class A { public function __construct(private int $b) {} }",
        "class A { private int|string $b; }",
        "class A { private readonly int $b; }",
        "class A { const string B = ''; }",
        "function a(int|string $b) {}",
        "function a(mixed $b) {}",
        "function a(): static {}",
        "function a(): never {}",
        "function a(int $b = null) {}",
        "function a($b,) {}",
        "$a = strlen(string: 'x');",
        "$a = str_contains('a', 'b');",
        "$a = utf8_encode('a');",
        'echo "${a}";',
        "$a = strlen(...);",
        "try { a(); } catch (Exception) {}",
        "$a = $b ?? throw new Exception();",
        "#[Attr]\nfunction a() {}",
        "$a = FILTER_SANITIZE_STRING;",
        "$a = new WeakMap();",
        "$a = fn (int|string $b) => 1;",
    ],
)
def test_the_check_for_newer_php_sees(php: str, tmp_path: Path, code: str) -> None:
    file = tmp_path / "new.php"
    file.write_text(f"<?php\n{code}\n")
    assert too_new(php, file) != []


@pytest.mark.parametrize(
    "code",
    [
        "function a(?int $b = null, array $c = []): ?string { return $b === null ? 'x' : (string) $b; }",
        "class A { private ?int $b = null; public static array $c = []; public const D = 1; }",
        "$a = static function ($b) use ($c): int { return $b; };",
        "$a = fn ($b) => $b + 1;",
        "try { a(); } catch (A | B $e) { throw $e; }",
        "if ($a) { throw new Exception(); }",
        "$a = $b ? $c : $d; switch ($a) { case X: break; }",
        "$a = f($b ? C : D);",
        "// match ($a) str_contains()\n$a = 'enum ?-> utf8_encode()';",
        "$a->each(1); A::match();",
    ],
)
def test_the_check_for_newer_php_leaves_old_php_alone(php: str, tmp_path: Path, code: str) -> None:
    file = tmp_path / "old.php"
    file.write_text(f"<?php\n{code}\n")
    assert too_new(php, file) == []


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_file_adds_nothing_to_a_page_by_being_loaded(file: Path) -> None:
    source = file.read_bytes()
    assert source.startswith(b"<?php\n\n")
    assert b"?>" not in source
    assert b"\r" not in source
    assert b"\t" not in source
    assert source.endswith(b"\n")
    assert not source.endswith(b"\n\n")
    assert max(len(line.decode()) for line in source.splitlines()) <= 120


def test_the_version_is_that_of_the_package() -> None:
    setup = configparser.ConfigParser()
    setup.read(shim_root().parent / "setup.cfg")
    version = (shim_root() / "modules/servers/puqProxmoxKVM/lib/Version.php").read_text()
    assert f"'{setup['metadata']['version']}'" in version


@pytest.mark.req("PRT-14")
def test_the_functions_of_the_contract_are_there_and_those_without_a_purpose_are_not() -> None:
    defined = set(re.findall(r"^function (\w+)\(", "\n".join(path.read_text() for path in FILES), re.MULTILINE))
    names = [
        "MetaData",
        "ConfigOptions",
        "CreateAccount",
        "SuspendAccount",
        "UnsuspendAccount",
        "TerminateAccount",
        "ChangePackage",
        "ChangePassword",
        "TestConnection",
        "AdminCustomButtonArray",
        "ClientAreaCustomButtonArray",
        "ClientAreaAllowedFunctions",
        "AdminServicesTabFields",
        "AdminServicesTabFieldsSave",
        "AdminLink",
        "ClientArea",
        "ClientApi",
        "MetricProvider",
    ]
    of_addon = {
        f"puq_proxmox_kvm_{name}" for name in ["config", "activate", "deactivate", "upgrade", "output", "sidebar"]
    }
    buttons = {f"puqProxmoxKVM_{name}" for name in module.FUNCTIONS if name.startswith("VM")}
    assert defined == {f"puqProxmoxKVM_{name}" for name in names} | of_addon | buttons


@pytest.mark.req("PRT-14")
def test_every_action_of_the_server_module_is_known_to_the_daemon() -> None:
    source = (shim_root() / "modules/servers/puqProxmoxKVM/puqProxmoxKVM.php").read_text()
    actions = re.findall(r"function puqProxmoxKVM_(\w+)\([^)]*\)\n\{\n    return Module::action\('(\w+)'", source)
    assert len(actions) == 22
    assert all(function == called and called in module.FUNCTIONS for function, called in actions)


@pytest.mark.req("PRT-14")
def test_every_path_that_the_shim_calls_is_known_to_the_daemon() -> None:
    source = "".join(path.read_text() for path in FILES)
    calls = set(re.findall(r"'/v1/(module|addon)/(\w+)'", source))
    tables = {"module": module.FUNCTIONS, "addon": addon.FUNCTIONS}
    assert len(calls) > 5
    assert [f"{folder}/{name}" for folder, name in calls if name not in tables[folder]] == []


@pytest.mark.req("PRT-14")
def test_every_hook_of_the_shim_is_known_to_the_daemon() -> None:
    source = (shim_root() / "modules/addons/puq_proxmox_kvm/hooks.php").read_text()
    named = set(re.findall(r"add_hook\('(\w+)'", source)) | set(re.findall(r"^ {8}'(\w+)' => '\w+id',$", source, re.M))
    assert named == set(hook.FUNCTIONS)


def test_the_client_s_pages_of_the_manual_are_known_to_the_daemon() -> None:
    pages = {"overview", "charts", "reinstall", "snapshots", "backups", "reset_password", "rev_dns", "iso", "firewall"}
    assert pages <= set(client.FUNCTIONS)


@pytest.mark.req("PRT-08")
def test_signatures_are_compared_in_constant_time() -> None:
    php = "".join(path.read_text() for path in FILES)
    assert php.count("hash_equals(") == 4
    assert not re.search(r"(==|strcmp|substr_compare)[^\n]*signature(?!'\) === '')", php, re.I)
    python = inspect.getsource(signing)
    assert python.count("hmac.compare_digest(") == 1
    assert not re.search(r"==[^\n]*sign|sign[^\n]*==", python)


def test_the_shim_holds_no_sql_and_asks_nobody_but_the_daemon() -> None:
    source = "".join(path.read_text() for path in FILES)
    assert not re.search(
        r"\b(Capsule|PDO|mysqli|SELECT |INSERT |UPDATE |localAPI|file_get_contents|fsockopen)\b", source
    )
    assert source.count("curl_init(") == 1


def test_the_source_follows_psr_12() -> None:
    # The checker is a comfort, not a service: PHP itself, which everything else here needs, is demanded elsewhere.
    checker = shutil.which("phpcs") or pytest.skip("phpcs is not installed")
    options = ["--standard=PSR12", "--warning-severity=0", "--report=emacs", str(shim_root() / "modules")]
    done = subprocess.run([checker, *options], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")
