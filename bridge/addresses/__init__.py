"""The address book: which addresses a server has to give, which are in use, and handing them out, each once.

`pools` and `legacy_list` know the two sources, `sources` what one server has of both, `choice` which of it a VM gets.
`reservations` are ours; `shown` reads what WHMCS and the records show, `lookout` shares that between orders; `holdings` is
what one service holds by all of them. `book` does the work in transactions.
"""
