"""Decisions: journal, manifest, apply and rollback."""
