"""The course as nbgrader sees it: read by `nbgrader`, by formgrader and by `course`."""

import os
import sysconfig
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbgrader import preprocessors as steps

from course.authoring.changed_cells import ChangeCells
from course.authoring.seal import Seal
from course.authoring.tell_checks import TellChecks
from course.grading.plugins import (
    TEMPLATES,
    CleanOutputs,
    FeedbackExporter,
    GetMarks,
    HideTests,
    RestoreCells,
    SaveGrades,
    TellOverview,
    TellRubric,
)
from course.grading.sanitize import clean_html, markdown_html, shown_text
from course.judge.preprocessor import Judge
from course.notebooks.let_out import LetOut
from course.repair.exporter import RepairingExporter
from helpers import validation

c = get_config()  # type: ignore[name-defined]  # noqa: F821

# nbgrader calls `alembic` by name to make a gradebook: it must find this environment's.
if sysconfig.get_path("scripts") not in os.environ["PATH"].split(os.pathsep):
    os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + os.environ["PATH"]

c.CourseDirectory.course_id = "deep-learning-from-scratch"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "__pycache__",
    "*.pyc",
    "feedback",
    ".DS_Store",
    "Thumbs.db",
]

# --- from source/ to release/ ---------------------------------------------------------------------
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
c.GenerateAssignment.preprocessors = [
    steps.IncludeHeaderFooter,
    TellChecks,
    steps.LockCells,
    steps.ClearSolutions,
    steps.ClearOutput,
    steps.CheckCellMetadata,
    steps.ComputeChecksums,
    ChangeCells,
    steps.SaveCells,
    steps.ClearHiddenTests,
    steps.ClearMarkScheme,
    steps.ComputeChecksums,
    steps.CheckCellMetadata,
    LetOut,
    Seal,
]

# --- from submitted/ to autograded/ ---------------------------------------------------------------
c.Autograde.exporter_class = RepairingExporter
c.Autograde.sanitize_preprocessors = [
    LetOut,
    steps.ClearOutput,
    steps.DeduplicateIds,
    steps.OverwriteKernelspec,
    RestoreCells,
    steps.CheckCellMetadata,
]
c.OverwriteCells.add_missing_cells = True
c.Autograde.autograde_preprocessors = [
    Judge,  # or, for a kernel of nbgrader's own: "course.grading.plugins.ExecuteShort",
    steps.IgnorePattern,
    ClearMetadataPreprocessor,
    steps.LimitOutput,
    SaveGrades,
    steps.AssignLatePenalties,
    HideTests,  # whoever grades again starts from submitted/ and the gradebook, which has them
]
# For ExecuteShort: an endless loop is interrupted and costs its own cell, a flood of output none.
c.Execute.timeout = 30
c.Execute.interrupt_on_timeout = True
c.Execute.raise_on_iopub_timeout = False
c.LimitOutput.max_lines = 300
c.LimitOutput.max_traceback = 60

# --- what Validate says ---------------------------------------------------------------------------
c.Execute.on_notebook_start = validation.begin
c.Execute.on_cell_start = validation.end
c.Validator.failed_warning = (
    "NOT ALL EXERCISES PASS: as it is, you would not receive full credit.\n"
)

# --- from autograded/ to feedback/, and what formgrader shows -------------------------------------
c.GenerateFeedback.exporter_class = FeedbackExporter
c.FeedbackExporter.template_name = "course_feedback"
c.FeedbackExporter.template_file = "index.html.j2"
c.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]
c.GenerateFeedback.preprocessors = [
    GetMarks,
    HideTests,
    CSSHTMLHeaderPreprocessor,
    TellOverview,
]
c.CSSHTMLHeaderPreprocessor.enabled = True  # colors code
c.CSSHTMLHeaderPreprocessor.style = "default"
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.preprocessors = [CleanOutputs, TellRubric]
c.HTMLExporter.template_file = "marking.html.j2"  # formgrader names its template, not the file
c.HTMLExporter.extra_template_paths = [str(TEMPLATES / "course_formgrade")]
# nbgrader's own templates pass Markdown, sanitized or not, through the second of these at last.
c.HTMLExporter.filters = {
    "markdown2html": markdown_html,
    "clean_html": clean_html,
    "strip_files_prefix": clean_html,
    "ansi2html": shown_text,
}
