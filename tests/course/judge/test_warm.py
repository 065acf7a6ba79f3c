"""What is imported before anybody needs it, and what never is."""

import subprocess
import sys
from pathlib import Path

from course.judge.preprocessor import preload
from course.notebooks.source import source_notebook

ROOT = Path(__file__).parents[3]


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_judge_process_imports_nothing_of_nbgrader_or_of_its_web_server():
    code = "import sys, course.judge.judging; print(*{m.partition('.')[0] for m in sys.modules})"
    found = set(run(code))
    assert "helpers" in found
    assert not found & {"nbgrader", "nbconvert", "jupyter_server", "sqlalchemy"}


def test_no_part_of_the_course_waits_for_a_parser_of_web_addresses():
    found = run("import sys, course.grading.check; print(*[m for m in sys.modules if m == 'lark'])")
    assert found == []


def test_what_the_warm_server_does_ahead_holds_no_answer():
    source = source_notebook(ROOT / "source" / "01_activations" / "activations.ipynb")
    assert "course.judge.warm" in preload(source)
    code = "import sys, course.judge.warm; print(*[m for m in sys.modules if 'helpers.' in m])"
    assert not [name for name in run(code) if name.startswith("helpers.answers")]
