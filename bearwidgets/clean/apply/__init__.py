"""Decisions carried out on disk: plan, moves, rounds, the transaction and its recovery."""
