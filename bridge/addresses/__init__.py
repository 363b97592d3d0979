"""The address book: which addresses a server has to give, which are in use, and handing them out, each once.

`pools` and `legacy_list` know the two sources, `sources` what one server has of both, `choice` which of it a VM gets;
`shown` reads what WHMCS and the module's records show on services; `book` does it all in transactions.
"""
