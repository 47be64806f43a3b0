"""A Dask scheduler and workers on this machine, for trying out: one process that says on standard output where they are, and ends with its standard input."""

import json
import sys


def main():
    wanted = json.loads(sys.argv[1])
    cluster = make(wanted)
    print(json.dumps({"address": cluster.scheduler_address, "dashboard": cluster.dashboard_link if wanted["dashboard"] is not None else None}), flush=True)
    sys.stdin.read()
    cluster.close(timeout=3)


def make(wanted):
    import dask
    from distributed import LocalCluster

    # many small tasks sent ahead: JavaScript's are short
    dask.config.set({"distributed.scheduler.worker-saturation": float("inf")})
    dashboard = None if wanted["dashboard"] is None else "127.0.0.1:%d" % wanted["dashboard"]
    return LocalCluster(
        n_workers=wanted["workers"],
        threads_per_worker=wanted["threads"],
        memory_limit=wanted["memory"],
        host="127.0.0.1",
        scheduler_port=wanted["port"],
        dashboard_address=dashboard,
        worker_dashboard_address=None,
        silence_logs=40,
    )


if __name__ == "__main__":
    main()
