"""The checks, one module a family, their registry, and the table of issues they give."""
