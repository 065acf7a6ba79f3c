"""The judge: student code runs in one process, the verdict is formed in another.

`wire` carries values between the two, `remote` is the judge's end of it, `student` the student's.
"""
