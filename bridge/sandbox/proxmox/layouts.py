"""Ready-made clusters: the one of the demo, and the one that the recorded conversations were held with."""

from bridge.sandbox.proxmox.access import User
from bridge.sandbox.proxmox.clock import Clock
from bridge.sandbox.proxmox.cluster import Cluster, numbered_nodes
from bridge.sandbox.proxmox.guest import Config, Guest
from bridge.sandbox.proxmox.node import Bridge
from bridge.sandbox.proxmox.privileges import HOSTING, agent_privileges
from bridge.sandbox.proxmox.sizes import GIB, print_size
from bridge.sandbox.proxmox.storage import BLANK, Storage, System, Volume, image_name
from bridge.sandbox.proxmox.timing import RECORDED, Timing

DEMO_USER, DEMO_TOKEN = "bridge@pve", "demo"
DEMO_SECRET = "5a1d8f2e-0c3b-4e7a-9d61-7f42c0b8e913"

LINUX = System(obeys=True, agent=True)
NO_AGENT = System(obeys=True)
# The recorded guest: a busybox with an agent, whose start script knows IPv4 only.
BUSYBOX = System(obeys=True, agent=True, ipv6=False)

_THIN_POOL = {"vgname": "pve", "thinpool": "data"}
_KEEP_ALL = {"prune-backups": "keep-all=1"}
_CEPH: dict[str, str | int] = {"pool": "ceph-vm", "krbd": 0}
_NFS = {"server": "127.0.0.9", "export": "/srv/backup"}
_ALL_FILES = ("iso", "vztmpl", "backup", "snippets", "import")


def demo_cluster(
    clock: Clock | None = None, version: str = "8.4", *, speed: float = 1.0, seed: int = 1, nodes: int = 3
) -> Cluster:
    """`nodes` nodes with shared and local storage, a cloud-init template on each kind, and an API token.

    The token is `cluster.demo_token` (`user@realm!name=secret`). Template 9000 is on the shared storage ceph-vm and
    lives on pve1, template 9001 on local-lvm of pve2.
    """
    members = numbered_nodes([f"pve{number}" for number in range(1, nodes + 1)], network="127.0.0.0/24")
    storages = [
        Storage("local", "dir", _ALL_FILES, path="/var/lib/vz"),
        Storage("local-lvm", "lvmthin", ("images", "rootdir"), total=800 * GIB, settings=_THIN_POOL),
        Storage("ceph-vm", "rbd", ("images", "rootdir"), shared=True, total=4000 * GIB, settings=_CEPH),
        Storage("backup", "nfs", ("backup", "iso"), True, path="/mnt/pve/backup", total=8000 * GIB, settings=_NFS),
    ]
    cluster = Cluster(clock, version, members, storages=storages, timing=Timing(speed=speed), seed=seed, name="demo")
    for name in ("alpine-standard-3.21.3-x86_64.iso", "debian-12.5.0-amd64-netinst.iso", "memtest.iso"):
        add_iso(cluster, "backup", "", name)
    for node in cluster.nodes.values():
        node.bridges = [Bridge("vmbr0", f"{node.ip}/24", "eno1"), Bridge("vmbr1", "", "eno2")]
        node.booted_at = cluster.clock.now() - 12 * 86400
        node.fingerprint = ":".join(f"{cluster.rng.randrange(256):02X}" for _ in range(32))
    cluster.firewall_options = {"enable": 1}
    add_template(cluster, 9000, "debian-12-cloud", "pve1", "ceph-vm", LINUX, _cloud_config(), size=3 * GIB)
    add_template(cluster, 9001, "debian-12-local", "pve2", "local-lvm", LINUX, _cloud_config(), size=3 * GIB)
    cluster.access.roles["KvmBridge"] = frozenset([*HOSTING, "VM.Migrate", *agent_privileges(version)])
    cluster.access.add_token(DEMO_USER, DEMO_TOKEN, secret=DEMO_SECRET)
    cluster.access.grant(DEMO_USER, "KvmBridge", "/")
    cluster.demo_token = f"{DEMO_USER}!{DEMO_TOKEN}={DEMO_SECRET}"
    return cluster


def _cloud_config() -> Config:
    return {
        "agent": "enabled=1",
        "cores": 1,
        "cpu": "x86-64-v2-AES",
        "memory": "1024",
        "net0": "virtio={mac},bridge=vmbr0,firewall=1",
        "ostype": "l26",
        "scsihw": "virtio-scsi-single",
        "serial0": "socket",
        "vga": "serial0",
    }


# The roles of the recordings with the paths on which they hold.
RECORDED_ROLES = {
    "module": ("HostingModule", ("/",)),
    "module-nosdn": ("HostingNoSDN", ("/",)),
    "audit-only": ("PVEAuditor", ("/",)),
    "none": ("NoAccess", ()),
    "privsep": ("HostingNoSDN", ("/vms", "/storage")),
}


def conformance_cluster(
    clock: Clock | None = None, version: str = "8.4", *, speed: float = 1.0, seed: int = 1
) -> Cluster:
    """The node of the recordings: pve1 with the storages local and second, vmbr0, and the templates 9000 to 9002.

    `cluster.role_tokens`: a token per recorded role; `full` is root@pam's.
    """
    storages = [
        Storage("local", "dir", (*_ALL_FILES, "images", "rootdir"), path="/var/lib/vz", settings=_KEEP_ALL),
        Storage("second", "dir", ("images", "iso", "backup", "snippets"), path="/var/lib/vz2"),
    ]
    nodes = numbered_nodes(
        ["pve1"], network="192.168.99.0/24", cpus=2, memory=24 * GIB, qemu="7.2.0", pbs_library="0.0.0-stub"
    )
    timing = Timing(dict(RECORDED), speed, boot_seconds=3.0, listing_seconds=0.5)
    cluster = Cluster(clock, version, nodes, storages=storages, timing=timing, seed=seed, name="pve1")
    cluster.nodes["pve1"].bridges = [Bridge("vmbr0", "192.168.99.1/24")]
    cluster.nodes["pve1"].booted_at = cluster.clock.now() - 5000
    common: Config = {"cores": 1, "cpu": "qemu64", "kvm": 0, "scsihw": "virtio-scsi-pci"}
    linux: Config = {**common, "memory": "192", "ostype": "l26", "serial0": "socket"}
    card = "virtio={mac},bridge=vmbr0"
    agent: Config = {**linux, "agent": "enabled=1", "vga": "std", "net0": card + ",firewall=1"}
    empty: Config = {**common, "memory": "64", "ostype": "other", "net0": card}
    raw: Config = {**linux, "vga": "serial0", "net0": card}
    add_template(cluster, 9000, "tmpl-bench", "pve1", "local", BUSYBOX, agent, size=2 * GIB, fmt="qcow2")
    add_template(cluster, 9001, "tmpl-empty", "pve1", "local", BLANK, empty, size=GIB, fmt="qcow2", cloudinit=False)
    add_template(cluster, 9002, "tmpl-bench-noagent", "pve1", "local", NO_AGENT, raw, size=2 * GIB, key="virtio0")
    cluster.role_tokens = _recorded_tokens(cluster)
    return cluster


def _recorded_tokens(cluster: Cluster) -> dict[str, str]:
    access = cluster.access
    access.roles["HostingNoSDN"] = access.roles["HostingModule"] - {"SDN.Use"}
    tokens = {"full": access.add_token("root@pam", "full", secret="full-secret")}
    for name, (role, paths) in RECORDED_ROLES.items():
        user = f"{name}@pve"
        tokens[name] = access.add_token(user, "test", secret=f"{name}-secret", privsep=name == "privsep")
        for who in (user, f"{user}!test"):
            if paths:
                access.grant(who, role, *paths)
    # For conversations that log in with a password.
    access.users["ticket@pve"] = User(password="ticket-secret")
    access.grant("ticket@pve", "HostingModule", "/")
    return tokens


def add_iso(cluster: Cluster, storage: str, node: str, name: str) -> None:
    """Put an ISO image on a storage; `node` is empty for a shared one."""
    fmt = name.rpartition(".")[2]
    volume = Volume(f"iso/{name}", "iso", fmt, 600 << 20, used=600 << 20, created=int(cluster.clock.now()))
    cluster.storages[storage].on(node)[volume.name] = volume


def add_template(
    cluster: Cluster,
    vmid: int,
    name: str,
    node: str,
    storage_name: str,
    system: System,
    config: Config,
    *,
    size: int,
    fmt: str = "raw",
    key: str = "scsi0",
    cloudinit: bool = True,
) -> Guest:
    """Put a template on a node: one disk with an operating system, and a cloud-init drive unless told otherwise."""
    storage, now = cluster.storage(storage_name, node), int(cluster.clock.now())
    disk = image_name(storage, vmid, f"base-{vmid}-disk-0", fmt)
    storage.on(node)[disk] = Volume(disk, "images", fmt, size, vmid, used=size // 4, created=now, system=system)
    filled = {k: v.format(mac=cluster.random_mac()) if isinstance(v, str) else v for k, v in config.items()}
    filled |= {"name": name, "template": 1, "boot": f"order={key}"}
    filled |= {
        "meta": f"creation-qemu={cluster.nodes[node].qemu},ctime={now}",
        "smbios1": f"uuid={cluster.random_uuid()}",
    }
    filled |= {"vmgenid": cluster.random_uuid(), key: f"{storage_name}:{disk},size={print_size(size)}"}
    if cloudinit:
        image = image_name(storage, vmid, f"vm-{vmid}-cloudinit", "qcow2" if storage.holds_files else "raw")
        storage.on(node)[image] = Volume(image, "images", "qcow2", 4 * 1024**2, vmid, created=now)
        filled["ide2"] = f"{storage_name}:{image},media=cdrom"
    guest = cluster.guests[vmid] = Guest(vmid, node, filled)
    return guest
