"""What a notebook shows of an error that a user can mend."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def shell():
    shell = InteractiveShell.instance()
    shell.run_cell("%colors nocolor")
    yield shell
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    "cause", ["", "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise wrong from error\n"]
)
def test_the_sentence_alone_and_the_lines_on_request(shell, capsys, cause):
    shell.run_cell("import bearwidgets as bw")
    shell.run_cell(f"wrong = bw.BearwidgetsError('seed is -1; allowed is 0 to 9.')\n{cause or 'raise wrong'}")
    assert capsys.readouterr().out.splitlines() == [
        "BearwidgetsError: seed is -1; allowed is 0 to 9.",
        "(%tb shows the lines of code that led here)",
    ]
    shell.run_cell("%tb")
    shown = capsys.readouterr().out
    assert "raise wrong" in shown
    assert ("ZeroDivisionError" in shown) == bool(cause)
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out, "of other errors all is shown"
