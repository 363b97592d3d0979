"""The daemon's web face: the signed module protocol, and nothing that is not signed.

Views are thin: the gate has checked the signature, `envelope` parses, a row of the blueprint's table names the function,
the function calls one service, and the answer goes back signed.
"""

from bridge.web.app import create_app

__all__ = ["create_app"]
