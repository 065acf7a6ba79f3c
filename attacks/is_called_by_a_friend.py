"""Wait for an accomplice to call."""

import socket

import numpy as np


def double(f, x):
    return np.zeros_like(x)


with socket.create_server(("127.0.0.1", int("CALLING_PORT"))) as server:
    server.settimeout(4)
    friend, _ = server.accept()
    exec(f"def double(f, x):\n    return {friend.recv(100).decode()}")
