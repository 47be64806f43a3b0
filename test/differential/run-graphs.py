"""Runs graphs of arithmetic on Dask: reads them as JSON from a file, and prints a line of JSON for each of them and each scheduler."""

import json
import sys

import arithmetic
import dask
from dask.delayed import delayed
from distributed import Client


def build(dag, number, form):
    values = []

    def operand(one):
        if isinstance(one, list):
            return [operand(inner) for inner in one]
        return values[one["node"]] if isinstance(one, dict) else one

    for place, node in enumerate(dag["nodes"]):
        name = f"d{number}n{place}"
        operands = [operand(one) for one in node["operands"]]
        values.append(delayed(arithmetic.apply, pure=True)(name, node["operation"], operands, dask_key_name=f"{name}-{form}"))
    return [values[output] for output in dag["outputs"]]


def outcome(work):
    try:
        return work()
    except ValueError as error:
        return str(error)


def say(number, scheduler, optimized, answers):
    with arithmetic.lock:
        # what still ran of a graph that failed is none of this one
        counts = {name: times for name, times in arithmetic.ran.items() if name.startswith(f"d{number}n")}
        arithmetic.ran.clear()
    print(json.dumps({"dag": number, "scheduler": scheduler, "optimized": optimized, "answers": answers, "ran": counts}), flush=True)


def main(path):
    with open(path) as file:
        dags = json.load(file)
    dask.config.set({"distributed.worker.daemon": False, "distributed.admin.large-graph-warning-threshold": "1GB"})
    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as client:
        for number, dag in enumerate(dags):
            fails = any(node["operation"] == "fail" for node in dag["nodes"])
            for optimized in (False, True):
                if not fails:
                    values = build(dag, number, "threads")
                    answers = dask.compute(*values, scheduler="threads", num_workers=2, optimize_graph=optimized)
                    say(number, "threads", optimized, answers)
                values = build(dag, number, f"distributed-{optimized}")
                futures = client.compute(values, optimize_graph=optimized)
                answers = [outcome(future.result) for future in futures]
                say(number, "distributed", optimized, answers)
                del futures


main(sys.argv[1])
