"""Dask as a contestant: reads a line of JSON for each round from stdin, and answers with the milliseconds it took and with what came out."""

import json
import sys
import time
from operator import add

import dask
from dask.threaded import get as threaded_get

SUM = 1_000_003


def identity(x):
    return x


def step(i, a, b):
    return (i + a + b) % SUM


def last(parts):
    return sum(parts) % SUM


def tree(count):
    """As many tasks as `count`: half of them leaves, then pairs of what is there until one is left."""
    leaves = count // 2
    graph = {f"n{i}": (identity, i) for i in range(leaves)}
    level, n = [f"n{i}" for i in range(leaves)], leaves
    while len(level) > 1:
        above = []
        for i in range(0, len(level) - 1, 2):
            graph[f"n{n}"] = (add, level[i], level[i + 1])
            above.append(f"n{n}")
            n += 1
        level = above + ([level[-1]] if len(level) % 2 else [])
    return graph, level[0]


def layered(count):
    """64 layers; each node on two of the layer before, the same as in cases/load.mjs."""
    width = -(-count // 64)
    graph = {}
    for i in range(count):
        start = (i // width - 1) * width
        if start < 0:
            graph[f"n{i}"] = (step, i, 0, 0)
            continue
        a = (i * 7919 + 12345) % width
        b = (i * 104729 + 54321) % width
        graph[f"n{i}"] = (step, i, f"n{start + a}", f"n{start + (b + 1) % width if a == b else start + b}")
    graph["last"] = (last, [f"n{i}" for i in range(count - width, count)])
    return graph, "last"


def work(form, count, client):
    if form == "map":
        if client is not None:
            return sum(client.gather(client.map(identity, range(count), pure=False)))
        graph = {f"n{i}": (identity, i) for i in range(count)}
        return sum(threaded_get(graph, list(graph), num_workers=2))
    graph, top = (tree if form == "tree" else layered)(count)
    return threaded_get(graph, top, num_workers=2) if client is None else client.get(graph, top)


def serve(client):
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.perf_counter()
        answer = work(asked["form"], asked["count"], client)
        print(json.dumps({"ms": (time.perf_counter() - began) * 1000, "answer": answer}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "threads":
        serve(None)
    else:
        from distributed import Client

        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})
        with Client(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as client:
            serve(client)
