"""The stand-in Proxmox VE cluster by itself."""
