"""Whom we talk to: one package per outside system, each translating that system's errors once, at the bottom."""
