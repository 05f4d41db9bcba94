"""The Cleaner: board (order and filter), session (what it does), requests, queues, snapshot."""
