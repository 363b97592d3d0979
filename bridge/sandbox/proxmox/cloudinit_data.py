"""What a cloud-init drive holds: user, network and meta data made from a VM's configuration."""

import hashlib
import ipaddress
import re

from bridge.sandbox.proxmox.guest import NET_KEY, Config
from bridge.sandbox.proxmox.net import parse_net
from bridge.sandbox.proxmox.property_string import split_properties
from bridge.sandbox.proxmox.ssh_keys import ssh_key_lines

# The resolver of the host, used where the VM names none.
HOST_NAMESERVER = "10.255.255.53"


def user_data(config: Config, vmid: int) -> str:
    """The #cloud-config document (PVE::QemuServer::Cloudinit, cloudinit_userdata)."""
    name = str(config.get("name") or f"VM{vmid}")
    host, _, domain = name.partition(".")
    searched = str(config.get("searchdomain", "")).split()
    fqdn = name if domain else f"{host}.{searched[0]}" if searched else host
    lines = ["#cloud-config", f"hostname: {host}", "manage_etc_hosts: true", f"fqdn: {fqdn}"]
    if config.get("ciuser"):
        lines.append(f"user: {config['ciuser']}")
    if config.get("cipassword"):
        lines.append(f"password: {config['cipassword']}")
    keys = ssh_key_lines(str(config.get("sshkeys", "")))
    if keys:
        lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    lines += ["chpasswd:", "  expire: False"]
    if config.get("ciuser") != "root":
        lines += ["users:", "  - default"]
    lines.append(f"package_upgrade: {'true' if int(config.get('ciupgrade', 1)) else 'false'}")
    return "\n".join(lines) + "\n"


def network_data(config: Config) -> str:
    """The network document, version 1 (nocloud_network)."""
    lines = ["version: 1", "config:"]
    for number in _numbers(config):
        card = parse_net(str(config[f"net{number}"]))
        lines += ["    - type: physical", f"      name: eth{number}", f"      mac_address: '{card['macaddr'].lower()}'"]
        lines += ["      subnets:", *_subnets(ip_settings(config, number))]
    servers = str(config.get("nameserver", "")).split() or [HOST_NAMESERVER]
    lines += ["    - type: nameserver", "      address:", *(f"      - '{server}'" for server in servers)]
    domains = str(config.get("searchdomain", "")).split()
    if domains:
        lines += ["      search:", *(f"      - '{domain}'" for domain in domains)]
    return "\n".join(lines) + "\n"


def meta_data(config: Config, vmid: int) -> str:
    """The instance id: another one as soon as user or network data change."""
    text = user_data(config, vmid) + network_data(config)
    return f"instance-id: {hashlib.sha1(text.encode()).hexdigest()}\n"


def ip_settings(config: Config, number: int) -> dict[str, str]:
    """The keys of ipconfigN."""
    return split_properties(str(config.get(f"ipconfig{number}", "")))


def addresses_of(config: Config, *, ipv6: bool = True) -> dict[str, str]:
    """Static addresses with prefix length by MAC address, several joined by blanks: what the booted guest has."""
    found = {}
    for number in _numbers(config):
        settings = ip_settings(config, number)
        static = [settings[k] for k in ("ip", "ip6")[: 1 + ipv6] if settings.get(k, "dhcp") not in ("dhcp", "auto")]
        found[parse_net(str(config[f"net{number}"]))["macaddr"].lower()] = " ".join(static)
    return found


def _numbers(config: Config) -> list[int]:
    """Cards that have both a netN and an ipconfigN."""
    cards = [int(key[3:]) for key in config if NET_KEY.fullmatch(key)]
    return sorted(n for n in cards if re.search(r"\bip6?=", str(config.get(f"ipconfig{n}", ""))))


def _subnets(settings: dict[str, str]) -> list[str]:
    lines = []
    if settings.get("ip") == "dhcp":
        lines.append("      - type: dhcp4")
    elif "ip" in settings:
        interface = ipaddress.ip_interface(settings["ip"])
        lines += [
            "      - type: static",
            f"        address: '{interface.ip}'",
            f"        netmask: '{interface.netmask}'",
        ]
        lines += [f"        gateway: '{settings['gw']}'"] if "gw" in settings else []
    if settings.get("ip6") == "dhcp":
        lines.append("      - type: dhcp6")
    elif settings.get("ip6") == "auto":
        lines.append("      - type: ipv6_slaac")
    elif "ip6" in settings:
        lines += ["      - type: static6", f"        address: '{settings['ip6']}'"]
        lines += [f"        gateway: '{settings['gw6']}'"] if "gw6" in settings else []
    return lines
