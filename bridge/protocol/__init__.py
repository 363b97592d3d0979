"""The module protocol between the PHP shim and the daemon: signatures, nonces, and a client that plays the shim.

docs/protocol.md describes it; `whmcs_shim/modules/servers/puqProxmoxKVM/lib/Signature.php` is the other half.
"""
