"""The teaching staff's package: release, grade, feedback and report, built on nbgrader."""
