"""Ask an accomplice over the network."""

import socket

import numpy as np


def double(f, x):
    return np.zeros_like(x)


with socket.create_connection(("127.0.0.1", int("ACCOMPLICE_PORT")), timeout=3) as friend:
    exec(f"def double(f, x):\n    return {friend.recv(100).decode()}")
