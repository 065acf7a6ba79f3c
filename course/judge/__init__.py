"""The judge: student code runs in one process, the verdict is formed in another.

`preprocessor` is its door into nbgrader, `supervise` starts the two processes, `judging` forms the
verdict, `wire` carries values between the two and `sandbox` confines the student's.
"""
