"""The PHP face of KVM Bridge: both modules as WHMCS expects them, each function one signed call to the daemon.

This package holds data, not Python: the folder `modules/` below it is laid out like the folder of the same name in a WHMCS
installation, and `kvm-bridge install-shim` copies it there. No decision is made in PHP; what the calls look like on the
wire is docs/protocol.md.
"""

from pathlib import Path


def shim_root() -> Path:
    """The folder that holds `modules/servers/puqProxmoxKVM` and `modules/addons/puq_proxmox_kvm`."""
    return Path(__file__).resolve().parent
