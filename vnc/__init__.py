"""The console's way from the browser to a VM: minting and verifying one-time links, and the websocket proxy.

It carries RFB between a browser, which sees our origin only, and `vncwebsocket` of the VM's Proxmox node; Proxmox tickets
and tokens never leave the server. It knows no database and nothing else of ours: `bridge` redeems the link and asks
Proxmox for the VNC ticket. The proxy comes with the console; until then this package is empty.
"""
