"""What a product promises: its settings, the configurable options over them, and the effective package of both.

Pure rules without a database. `fields` is the one table of settings from which the product page, the command line and the
manual are drawn; `effective` joins a product's settings and a service's options into a `statemachines.package.Package`.
"""
