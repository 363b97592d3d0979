"""What happens to a VM: one engine, the pipelines as tables of steps, the steps, and the narrow interfaces they need.

Pure: nothing here knows Flask, a database, HTTP or how to sleep. Everything a step touches comes in through its context.
"""
