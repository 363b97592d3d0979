"""The address book: which addresses a server has to give, which are in use, and handing them out, each once.

`pools` and `legacy_list` know the two sources, `sources` what one server has of both, `choice` which of it a VM gets.
`reservations` are ours, `quarantine` is what was given back a short while ago; `shown` reads what WHMCS and the records show,
`lookout` shares that between orders; `holdings` is what one service holds by all of them. `book` does the work in transactions.

`pool_admin` is the hand of staff on the pools: `pool_form` reads what they type, `pool_list` is what they see, `usage` how much
is in use, `reverse_zone` which DNS zone belongs to a pool, and `given` keeps what services have when a pool changes or goes.
"""
