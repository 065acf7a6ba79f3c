"""What a notebook needs and whether it is there; a missing package costs one line, no traceback."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import needs


def test_what_is_there_is_not_asked_for():
    assert needs.advice([]) == needs.advice(["numpy", "pytest>=1"]) == ""
    needs.require("numpy>=1")


@pytest.mark.parametrize("missing", ["no-such-package>=1", "numpy>=9999"])
def test_what_is_missing_or_too_old_is_named_with_the_command(missing):
    line = f'needs what is not installed here: pip install "{missing}"'
    assert needs.advice(["numpy>=1", missing]) == line
    with pytest.raises(needs.NotInstalledError) as error:
        needs.require("numpy>=1", missing)
    assert str(error.value) == f"This notebook {line} (then restart the kernel)"


def test_jupyter_shows_that_line_alone(capsys):
    shell = InteractiveShell()
    code = "from helpers import needs\nneeds.require('no-such-package')"
    shell.run_cell(code)
    shown = capsys.readouterr()
    assert (shown.out + shown.err).strip() == (
        'This notebook needs what is not installed here: pip install "no-such-package" '
        "(then restart the kernel)"
    )
