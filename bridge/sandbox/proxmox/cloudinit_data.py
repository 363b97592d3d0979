"""What a cloud-init drive holds: user, network and meta data made from a VM's configuration."""

import hashlib
import ipaddress

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
    search = str(config.get("searchdomain", ""))
    fqdn = name if domain else f"{host}.{search}" if search else host
    lines = ["#cloud-config", f"hostname: {host}", "manage_etc_hosts: true", f"fqdn: {fqdn}"]
    if config.get("ciuser"):
        lines.append(f"user: {config['ciuser']}")
    if config.get("ciuser") == "root":
        lines.append("disable_root: False")
    if config.get("cipassword"):
        lines.append(f"password: {config['cipassword']}")
    keys = ssh_key_lines(str(config.get("sshkeys", "")))
    if keys:
        lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    lines += ["chpasswd:", "  expire: False"]
    if config.get("ciuser") != "root":
        lines += ["users:", "  - default"]
    if int(config.get("ciupgrade", 1)):
        lines.append("package_upgrade: true")
    return "\n".join(lines) + "\n"


def network_data(config: Config) -> str:
    """The network document in the format of the VM's guest: version 1 for Linux, ENI for config drives."""
    return _eni(config) if uses_config_drive(config) else _version_1(config)


def uses_config_drive(config: Config) -> bool:
    """Whether the image is an OpenStack config drive, which Windows needs, rather than nocloud."""
    windows = str(config.get("ostype", "")).startswith("w")
    return str(config.get("citype") or ("configdrive2" if windows else "nocloud")) != "nocloud"


def _version_1(config: Config) -> str:
    lines = ["version: 1", "config:"]
    for number in _numbers(config):
        card = parse_net(str(config[f"net{number}"]))
        lines += ["    - type: physical", f"      name: eth{number}", f"      mac_address: '{card['macaddr'].lower()}'"]
        lines += ["      subnets:", *_subnets(ip_settings(config, number))]
    servers, domains = _dns(config)
    lines += ["    - type: nameserver"]
    if servers:
        lines += ["      address:", *(f"      - '{server}'" for server in servers)]
    if domains:
        lines += ["      search:", *(f"      - '{domain}'" for domain in domains)]
    return "\n".join(lines) + "\n"


def _dns(config: Config) -> tuple[list[str], list[str]]:
    """Name servers and search domains; the host's servers where the VM names none."""
    servers = str(config["nameserver"]).split() if "nameserver" in config else [HOST_NAMESERVER]
    return servers, str(config.get("searchdomain", "")).split()


def _eni(config: Config) -> str:
    servers, domains = _dns(config)
    lines = ["auto lo", "iface lo inet loopback", ""]
    lines += [f"        dns_nameservers {' '.join(servers)}"] if servers else []
    lines += [f"        dns_search {' '.join(domains)}"] if domains else []
    for number in _numbers(config):
        settings = ip_settings(config, number)
        lines.append(f"auto eth{number}")
        for family, address, gateway in (("inet", "ip", "gw"), ("inet6", "ip6", "gw6")):
            lines += _eni_family(f"iface eth{number} {family}", settings.get(address), settings.get(gateway))
    return "\n".join(lines) + "\n"


def _eni_family(head: str, address: str | None, gateway: str | None) -> list[str]:
    if address is None:
        return []
    if address in ("dhcp", "auto"):
        return [f"{head} {address}"]
    interface = ipaddress.ip_interface(address)
    mask = interface.network.prefixlen if interface.version == 6 else interface.netmask
    lines = [f"{head} static", f"        address {address.partition('/')[0]}", f"        netmask {mask}"]
    return [*lines, f"        gateway {gateway}"] if gateway else lines


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
    """Cards that have both a netN and an ipconfigN, in the order of their names (net10 before net2)."""
    cards = sorted(key for key in config if NET_KEY.fullmatch(key))
    return [int(key[3:]) for key in cards if config.get(f"ipconfig{key[3:]}")]


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
