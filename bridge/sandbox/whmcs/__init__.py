"""A stand-in WHMCS: its tables, its external API, and a demo shop. It behaves as WHMCS's documentation says.

`core.WhmcsSandbox` is the API itself; `adapter` puts it behind `requests` in the same process, `server` behind HTTP.
"""

from bridge.sandbox.whmcs.adapter import WhmcsAdapter
from bridge.sandbox.whmcs.answers import Answer
from bridge.sandbox.whmcs.core import WhmcsSandbox
from bridge.sandbox.whmcs.faults import FaultKind, Faults
from bridge.sandbox.whmcs.schema import create_tables
from bridge.sandbox.whmcs.shop import Mail

__all__ = ["Answer", "FaultKind", "Faults", "Mail", "WhmcsAdapter", "WhmcsSandbox", "create_tables"]
