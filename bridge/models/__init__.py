"""The tables: `whmcs` (WHMCS's own), `module` (the product's documented ones), `companion` (ours), `protocol` (nonces).

Rows are plain values with small questions about themselves; no I/O beyond the query, no mail, no workflow. Attributes are
named exactly like their columns. There are no foreign keys: WHMCS has none, joins are written out where they are needed.
"""
