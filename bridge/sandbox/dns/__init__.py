"""A stand-in for a DNS provider: as much of a PowerDNS server's HTTP API as keeping records takes. It answers no DNS queries."""

from bridge.sandbox.dns.server import DnsSandbox, serving

__all__ = ["DnsSandbox", "serving"]
