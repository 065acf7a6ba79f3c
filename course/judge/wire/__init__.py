"""The wire between judge and student process: data within limits, never code and never a pickle.

`codec` turns values into frames, `judge_end` makes what a student defined look like ordinary
objects to the tests, `student_end` answers their requests.
"""
