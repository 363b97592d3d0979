"""The steps, one module per subject. A step first looks, then acts, and is safe to run twice.

Each is a function `(ctx) -> Outcome`; pipelines and the admin's module commands share them.
"""
