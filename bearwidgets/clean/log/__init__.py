"""The journal's file: its lines, its writer, folding lines into decisions, merge, manifest."""
