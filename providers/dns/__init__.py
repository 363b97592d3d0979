"""DNS providers: one interface in terms of record sets (`records.Zone`), and one adapter per kind of provider.

An adapter reads and stores record sets of one zone, in as few requests as its API allows, and translates its errors into
those of `providers.errors`; which names and addresses a VM has is not its business. `http` is the one HTTP call that they
share, `changes` turns record sets into changes of single records where a provider has no record sets.
"""

from providers.dns.apicall import DnsCall, DnsObserver
from providers.dns.records import Key, RecordSet, Zone

__all__ = ["DnsCall", "DnsObserver", "Key", "RecordSet", "Zone"]
