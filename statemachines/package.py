"""The desired state of a VM: what product settings and configurable options together promise the client.

Plain values. `bridge` computes them (the effective package), steps only read them.
"""

from dataclasses import dataclass, field

RESTART = "restart"
LIVE = "live"


@dataclass(frozen=True)
class Limits:
    """I/O limits of one disk; MB/s and operations per second, 0 = unlimited (the key is left out)."""

    mbps_rd: int = 0
    mbps_wr: int = 0
    iops_rd: int = 0
    iops_wr: int = 0

    @property
    def unlimited(self) -> bool:
        """True when no limit is set at all."""
        return not (self.mbps_rd or self.mbps_wr or self.iops_rd or self.iops_wr)


@dataclass(frozen=True)
class DiskSpec:
    """One disk of the package. `storage` None = the template's (system disk) or the system disk's (additional disk).

    `size_gb` 0 = not changed (system disk) or not wanted (additional disk). `from_option` is True when the size was chosen
    through a configurable option: only then may 0 mean "delete" [C-17]. `limits_from_option` likewise for the limits:
    without it, all-zero limits leave the template's disk string untouched on deploy [C-18].
    """

    storage: str | None = None
    size_gb: int = 0
    limits: Limits = field(default_factory=Limits)
    from_option: bool = False
    limits_from_option: bool = False


@dataclass(frozen=True)
class NetworkSpec:
    """The network card: `model` None = as in template; `rate` MB/s, 0 = unlimited; `vlan` 0 = none.

    `auto` = bridge and VLAN come from the address pool. A family on DHCP gets no address from us.
    """

    model: str | None = None
    rate: int = 0
    bridge: str = "vmbr0"
    vlan: int = 0
    auto: bool = True
    ipv4_count: int = 1
    ipv6_count: int = 0
    dhcp_ipv4: bool = True
    dhcp_ipv6: bool = True

    @property
    def any_dhcp(self) -> bool:
        """True when one family is on DHCP: then firewall and anti-spoofing set are not ours to manage (CFG-40)."""
        return self.dhcp_ipv4 or self.dhcp_ipv6

    @property
    def wanted_ipv4(self) -> int:
        """Number of IPv4 addresses to hold."""
        return 0 if self.dhcp_ipv4 else self.ipv4_count

    @property
    def wanted_ipv6(self) -> int:
        """Number of IPv6 addresses to hold."""
        return 0 if self.dhcp_ipv6 else self.ipv6_count


@dataclass(frozen=True)
class FirewallSpec:
    """Firewall options of the VM, spelled as Proxmox spells the values."""

    enable: bool = True
    dhcp: bool = True
    ndp: bool = True
    radv: bool = False
    macfilter: bool = True
    ipfilter: bool = False
    antispoofing: bool = True
    policy_in: str = "ACCEPT"
    policy_out: str = "ACCEPT"
    log_in: str = "nolog"
    log_out: str = "nolog"


@dataclass(frozen=True)
class Package:
    """Everything the client's product promises about the VM.

    `node` None = automatically; `template` None = none configured (a deploy then waits for the admin); `snapshot_lifetime`
    seconds, 0 = don't remove; `change_mode` RESTART = a package change always restarts the VM, LIVE = only where it must; mail template names, None = no mail.
    """

    node: str | None = None
    template: int | None = None
    full_clone: bool = False
    cpu: int = 1
    ram_gb: int = 1
    backups: int = 0
    snapshots: int = 0
    vm_name_rule: str = ""
    first_vm_id: int = 100
    os_username: str = ""
    snapshot_lifetime: int = 0
    change_mode: str = RESTART
    network: NetworkSpec = field(default_factory=NetworkSpec)
    firewall: FirewallSpec = field(default_factory=FirewallSpec)
    system_disk: DiskSpec = field(default_factory=DiskSpec)
    additional_disk: DiskSpec = field(default_factory=DiskSpec)
    backup_storage: str | None = None
    iso_storage: str | None = None
    main_domain: str = ".example.com"
    mail_ready: str | None = "puqProxmoxKVM VM is ready"
    mail_reset: str | None = "puqProxmoxKVM Reset password"
    mail_restored: str | None = "puqProxmoxKVM Backup restored"
