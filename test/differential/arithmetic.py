"""What the nodes of a graph do. A module of its own, so that tasks name it instead of taking it along, and what they count is counted in one place."""

import threading
from collections import Counter

MODULUS = 1_000_003
ran = Counter()
lock = threading.Lock()


def exact(number):
    """As JavaScript's %: the sign is that of the dividend."""
    return abs(number) % MODULUS * (1 if number >= 0 else -1)


def apply(name, operation, operands):
    with lock:
        ran[name] += 1
    first = operands[0]
    if operation == "fail":
        raise ValueError(f"{name} fails")
    if operation == "add":
        return exact(first + operands[1])
    if operation == "subtract":
        return exact(first - operands[1])
    if operation == "multiply":
        return exact(first * operands[1])
    if operation == "negate":
        return -first
    if operation == "sum":
        return exact(sum(first))
    if operation == "most":
        return max([*first, operands[1]])
    return exact(sum(first[abs(operands[1]) % 2]))
