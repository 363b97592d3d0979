"""Proxmox's words into our errors. Nobody above this file compares strings.

The same texts come as the reason of an HTTP error, as a field of a 400, and as the exit status of a task.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from providers.errors import (
    AuthFailed,
    ChangedMeanwhile,
    Conflict,
    Locked,
    NotFound,
    Permanent,
    ProviderError,
    Rejected,
    Retryable,
    Unavailable,
)

PROXMOX_ADMIN = "Proxmox admin"


class WorkerNotStarted(Retryable):
    """A busy node did not start the task's worker. Nothing was done, but `stub_left`: a clone's locked stub stays."""

    stub_left = False


class WrongState(Conflict):
    """The VM is running where it must not, or the other way round."""


class GuestSilent(Retryable):
    """The guest (or its agent) does not answer."""


class Unauthenticated(AuthFailed):
    """401: ticket, token or password are refused, before anything was looked at."""


class AgentMissing(Permanent):
    """The VM has no guest agent configured."""


@dataclass(frozen=True)
class Rule:
    """A text of Proxmox and the error that it means; `who` overrides the error's own."""

    pattern: str
    error: type[ProviderError]
    who: str | None = None


# Emitters named as Proxmox's Perl packages. All of them are raised before the call does anything.
RULES = (
    # PVE::AbstractConfig::load_config, and PVE::QemuConfig::assert_config_exists_on_node: how a missing VM is reported
    Rule(r"^Configuration file '[^']*' does not exist", NotFound),
    Rule(r"unable to find configuration file for VM \d+", NotFound),
    # PVE::AbstractConfig::check_lock
    Rule(r"VM is locked( \([\w-]+\))?", Locked),
    # PVE::Tools::lock_file, PVE::Cluster::cfs_lock (storage-wide allocation lock)
    Rule(r"can't (lock file|ac?quire lock) .*got timeout", Locked),
    Rule(r"got lock (request )?timeout|can't lock .* - got timeout", Locked),
    # PVE::RESTEnvironment::fork_worker
    Rule(r"got no worker upid", WorkerNotStarted),
    # PVE::Cluster::check_cfs_quorum
    Rule(r"cluster not ready - no quorum|error: no quorum", Unavailable, PROXMOX_ADMIN),
    # PVE::AbstractConfig::create_and_lock_config, PVE::Cluster::check_vmid_unused
    Rule(r"config file already exists|VM \d+ already exists", Conflict),
    # PVE::API2::Firewall::IPSet, ::Aliases
    Rule(r"^(IPSet|address|alias) '[^']*' already exists", Conflict),
    Rule(r"^no such (IPSet|alias|rule) '|^no rule at position \d+", NotFound),
    Rule(r"IPSet '[^']*' is not empty", Conflict),
    # PVE::AbstractConfig: snapshots
    Rule(r"snapshot '[^']*' does not exist", NotFound),
    Rule(r"snapshot name '[^']*' already used", Conflict),
    Rule(r"unable to use snapshot name", Rejected),
    # PVE::Storage::ZFSPoolPlugin and others, volume_rollback_is_possible
    Rule(r"can't rollback, .* is not most recent snapshot", Permanent),
    # PVE::RRD: nothing was measured yet
    Rule(r"^RRD error: .*: No such file or directory", NotFound),
    # PVE::API2::Tasks
    Rule(r"^no such task", NotFound),
    # PVE::Tools::assert_if_modified, PVE::API2::Qemu::update_vm_api
    Rule(r"checksum mismatch|detected modified configuration", ChangedMeanwhile),
    # PVE::QemuServer, PVE::API2::Qemu: power state
    Rule(r"VM \d+ (is )?(not |already )?running|vm is running|can't migrate running VM", WrongState),
    Rule(r"VM quit/powerdown failed|VM still running", GuestSilent),
    Rule(r"QEMU guest agent is not running|got timeout.*guest-", GuestSilent),
    Rule(r"No QEMU guest agent configured", AgentMissing, PROXMOX_ADMIN),
    Rule(r"^Agent error: ", Permanent),
    # PVE::QemuServer::resize_vm, PVE::API2::Qemu
    Rule(r"shrinking disks is not supported|disk '\w+' does not exist", Rejected),
    Rule(r"parameter '\w+' not allowed for linked clones", Rejected),
    Rule(r"^(no options specified|no sdn vnet ID specified|SSH public key validation error)", Rejected),
    Rule(r"^unable to parse (directory |\w+ )?volume name|^balloon value ", Rejected),
    Rule(r"cloud-init drive is already attached|invalid bootorder", Rejected),
    # PVE::Storage, PVE::Storage::Plugin
    Rule(r"storage '[^']*' (does not exist|is disabled|is not available on node)|^No such storage", Permanent),
    Rule(r"storage '[^']*' is not (online|active)|storage definition has no path", Unavailable, PROXMOX_ADMIN),
    Rule(r"volume '[^']*' does not exist|no such logical volume|no such volume", Permanent, PROXMOX_ADMIN),
    Rule(
        r"No space left on device|not enough (free )?space|out of space|insufficient free space",
        Permanent,
        PROXMOX_ADMIN,
    ),
    Rule(r"(Linked|Full) clone feature is not supported|snapshot feature is not available", Permanent),
    Rule(r"base volume '[^']*' is still in use|volume is still in use", Permanent, PROXMOX_ADMIN),
    # PVE::API2::Qemu::clone_vm, PVE::QemuMigrate
    Rule(r"can't clone (VM to node|to non-shared storage)|can't migrate .*it's a clone of", Permanent),
    Rule(r"can't migrate .*(local|storage)|no zvol found|can't use storage type", Permanent, PROXMOX_ADMIN),
    # PVE::Cluster::check_node_exists; pveproxy when the node's name does not resolve
    Rule(r"no such cluster node|hostname lookup '[^']*' failed", Permanent),
    Rule(r"pool '[^']*' does not exist", Permanent),
    Rule(r"protection mode enabled|cannot remove protected volume", Permanent, PROXMOX_ADMIN),
    Rule(r"(start|convert) a (vm|template)\b.*template", Permanent, PROXMOX_ADMIN),
    Rule(r"MAX \d+ vcpus allowed|bridge '[^']*' does not exist", Permanent),
    # PVE::RPCEnvironment::check; "Only root …" of PVE::API2::Qemu and PVE::Storage
    Rule(r"Permission check failed|^Permission denied|[Oo]nly root (may|can)", AuthFailed, PROXMOX_ADMIN),
)

_COMPILED = tuple((re.compile(rule.pattern), rule) for rule in RULES)

# AnyEvent::HTTP's statuses, invented by the node that proxies to the VM's node.
PROXY_STATUSES = {
    595: "the node could not be reached",
    596: "the connection to the node broke while sending",
    597: "the connection to the node broke while it answered",
    598: "the node gave up",
    599: "the node could not be asked",
}


def recognise(text: str) -> Rule | None:
    """The first rule whose text occurs in `text`."""
    return next((rule for pattern, rule in _COMPILED if pattern.search(text)), None)


def http_error(
    doing: str, status: int, text: str, fields: Mapping[str, str] | None = None, *, write: bool = False
) -> ProviderError:
    """The error for an HTTP answer >= 300.

    `doing` completes "Could not …"; `text` is Proxmox's message, `fields` its complaints by parameter.
    """
    text = text.strip()
    fields = {name: " ".join(str(reason).split()) for name, reason in (fields or {}).items()}
    cause = _cause(status, text, fields)
    message = f"Could not {doing}: {cause}"
    if status == 401:
        return Unauthenticated(message)
    if status in PROXY_STATUSES:
        return Unavailable(message, outcome_unknown=write)
    rule = recognise(text) or next(filter(None, map(recognise, fields.values())), None)
    if rule is not None and not (status == 400 and rule.error is Rejected):
        return rule.error(message, who=rule.who)
    if status == 403:
        return AuthFailed(message, who=PROXMOX_ADMIN)
    if status in (400, 501) or 300 <= status < 400 or status == 404:
        return Rejected(message, fields=fields)
    if status in (502, 503, 504, 429):
        return Unavailable(message, outcome_unknown=write)
    if 400 <= status < 500:
        return Rejected(message, fields=fields)
    return Retryable(message, outcome_unknown=write)


def _cause(status: int, text: str, fields: Mapping[str, str]) -> str:
    """What happened, in one line and in Proxmox's own words where it has any."""
    if fields:
        return "; ".join(f"{name}: {reason}" for name, reason in sorted(fields.items()))
    if status == 401:
        return f"401 the credentials are refused ({text or 'no reason given'})"
    if status in PROXY_STATUSES:
        return f"{status} {PROXY_STATUSES[status]} ({text or 'no reason given'})"
    if 300 <= status < 400:
        return f"{status} the server redirects elsewhere; check host name and port"
    return text or f"HTTP status {status} without a reason"


def task_error(doing: str, exitstatus: str) -> ProviderError:
    """The error for a task that ended with `exitstatus`. What it had done until then has to be looked at."""
    message = f"Could not {doing}: {exitstatus.strip() or 'the task ended without a status'}"
    rule = recognise(exitstatus)
    return rule.error(message, who=rule.who) if rule else Retryable(message)


def unreadable(doing: str, *, write: bool) -> ProviderError:
    """The error for an answer with a good status that is no Proxmox answer."""
    return Unavailable(f"Could not {doing}: the server's answer is not Proxmox's", outcome_unknown=write)
