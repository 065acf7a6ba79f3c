"""The teaching staff's package: release, grade, feedback and report, built on nbgrader."""

import sys

# jsonschema, which nbformat needs, does without it; it spends most of a second on a parser for web
# addresses.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
