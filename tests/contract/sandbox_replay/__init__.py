"""Replays recorded conversations with a real Proxmox VE node against the sandbox and compares the answers."""
