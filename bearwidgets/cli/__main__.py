"""`python -m bearwidgets.cli` is the command `bearwidgets`."""

from bearwidgets.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
