"""The client's side of a Dask cluster, as a child process of Node: frames over file descriptor 3, distributed's public API to the scheduler.

It ends with its parent, however that ends: the descriptor closes. Classes defined here belong to `__main__`, so Dask sends them by value.
"""

import asyncio
import hashlib
import json
import os
import queue
import socket
import struct
import sys
import threading

try:
    from distributed import Client
    from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin
    from distributed.security import Security

    import heddle_dask
except ImportError as error:
    text = json.dumps({"op": "fatal", "info": {"kind": "python", "name": "ImportError", "text": str(error)}, "b": []}).encode()
    os.write(3, struct.pack("<II", 4 + len(text), len(text)) + text)
    sys.exit(1)


def install(name, source):
    """Makes the module of heddle_dask.py in this process, once."""
    import sys
    import types

    module = sys.modules.get(name)
    if module is None:
        module = types.ModuleType(name)
        sys.modules[name] = module
        exec(compile(source, name + ".py", "exec"), module.__dict__)
    return module


class HeddleWorker(WorkerPlugin):
    """Brings the module and the bundle to a worker, and ends what it started there."""

    def __init__(self, name, source, bundle, install):
        self.name, self.source, self.bundle, self.install = name, source, bundle, install

    def setup(self, worker):
        self.worker = worker
        self.module = self.install(self.name, self.source)
        self.module.setup_worker(worker, self.bundle)

    def teardown(self, worker):
        self.module.teardown_worker(worker)

    def transition(self, key, start, finish, **kwargs):
        self.module.transition_on_worker(self.worker, key, start, finish)


class HeddleScheduler(SchedulerPlugin):
    """Makes the module importable where graphs are unpacked, and keeps functions for workers that ask."""

    def __init__(self, name, source, install):
        self.name, self.source, self.install = name, source, install

    async def start(self, scheduler):
        self.module = self.install(self.name, self.source)
        scheduler.handlers[self.module.HANDLER] = self.module.get_code

    def remove_client(self, scheduler, client):
        self.module.STORE.left(client)


def plugins_of(dask_scheduler):
    return {"scheduler": list(dask_scheduler.plugins), "workers": list(dask_scheduler.worker_plugins)}


class Pipe:
    """Frames to and from Node. Reading and writing have a thread each, so that neither a long result nor a slow reader holds up the loop."""

    def __init__(self, loop, take, gone):
        self.sock = socket.socket(fileno=3)
        self.sock.setblocking(True)
        self.take, self.gone, self.loop = take, gone, loop
        self.out = queue.SimpleQueue()
        #: No more is taken in than is being worked on: the rest waits in the pipe, and so at Node.
        self.room = threading.Semaphore(64)
        for work in (self.read, self.write):
            threading.Thread(target=work, daemon=True).start()

    def read(self):
        try:
            while True:
                frame = heddle_dask.read_frame(self.sock)
                self.room.acquire()
                self.loop.call_soon_threadsafe(self.take, frame)
        except (EOFError, OSError):
            self.loop.call_soon_threadsafe(self.gone)

    def send(self, header, blobs=()):
        self.out.put((header, blobs))

    def write(self):
        try:
            while True:
                header, blobs = self.out.get()
                self.sock.sendall(heddle_dask.pack(header, blobs))
                for blob in blobs:
                    self.sock.sendall(blob)
        except OSError:
            os._exit(0)


class Bridge:
    def __init__(self):
        self.ended = asyncio.Event()
        self.frames = asyncio.Queue()
        self.pipe = Pipe(asyncio.get_running_loop(), self.frames.put_nowait, self.ended.set)
        self.client = self.submitter = None
        self.seconds = 30.0
        self.tasks = []

    async def serve(self):
        self.tasks.append(asyncio.ensure_future(self.work()))
        await self.ended.wait()
        threading.Timer(4, os._exit, (0,)).start()  # a scheduler that hangs keeps nobody
        for task in self.tasks:
            task.cancel()
        if self.client is not None:
            await self.client.close(timeout=2)
        os._exit(0)

    async def work(self):
        while True:
            header, blobs = await self.frames.get()
            try:
                if header["op"] in ("connect", "join", "close"):
                    await getattr(self, header["op"])(header, blobs)
                else:
                    await self.submitter.take(header, blobs)
            except Exception as error:
                self.fatal("python", error)
            finally:
                self.pipe.room.release()

    def fatal(self, kind, error):
        self.pipe.send({"op": "fatal", "info": {"kind": kind, "name": type(error).__name__, "text": str(error)[:2000]}})

    async def close(self, header, blobs):
        self.ended.set()

    async def connect(self, header, blobs):
        """Reaches the scheduler and says who is there in which versions; Node decides whether that will do."""
        tls = header.get("tls")
        security = None
        if tls is not None:
            security = Security(tls_ca_file=tls["ca"], tls_client_cert=tls["cert"], tls_client_key=tls["key"], require_encryption=True)
        self.seconds = header["timeout"] / 1000
        try:
            opening = Client(header["address"], asynchronous=True, security=security, timeout=self.seconds, name="heddle", set_as_default=False)
            self.client = await asyncio.wait_for(opening, self.seconds + 1)
            versions = await asyncio.wait_for(self.client.get_versions(check=False), self.seconds)
        except Exception as error:
            self.fatal("connect", error)
            return
        self.pipe.send({"op": "versions", "versions": versions})

    async def join(self, header, blobs):
        """Brings heddle to scheduler and workers."""
        source = read_source()
        name = "heddle_dask_" + hashlib.sha256(source.encode() + blobs[0]).hexdigest()[:16]
        module = install(name, source)
        known = await self.client.run_on_scheduler(plugins_of)
        if name not in known["scheduler"]:
            await self.client.register_plugin(HeddleScheduler(name, source, install))
        if name not in known["workers"]:
            await self.client.register_plugin(HeddleWorker(name, source, blobs[0], install))
        nodes = await self.client.run(module.node_of)
        workers = await module.workers_of(self.client)
        self.submitter = module.Submitter(self.client, self.pipe.send)
        self.pipe.send({"op": "joined", "workers": workers, "nodes": nodes, "dashboard": self.client.dashboard_link})
        self.tasks.append(asyncio.ensure_future(self.watch(module, workers)))

    async def watch(self, module, workers):
        """Tells of workers that come and go, and of a scheduler that is gone or answers no more."""
        while True:
            await asyncio.sleep(min(1.0, self.seconds / 3))
            try:
                if self.client.status not in ("running", "closing"):
                    raise OSError("the connection to the scheduler is lost")
                now = await asyncio.wait_for(module.workers_of(self.client), self.seconds)
            except Exception as error:
                self.fatal("lost", error)
                return
            self.submitter.tell_losses()
            if identities(now) != identities(workers):
                nodes = await self.new_nodes(module, {worker["address"] for worker in now} - {worker["address"] for worker in workers})
                self.pipe.send({"op": "workers", "workers": now, "nodes": nodes})
            workers = now


    async def new_nodes(self, module, addresses):
        """What workers that came late say of their machines; one that has left by then says nothing."""
        try:
            return await asyncio.wait_for(self.client.run(module.node_of, workers=list(addresses)), self.seconds) if addresses else {}
        except Exception:
            return {}


def identities(workers):
    return sorted((worker["address"], worker["status"]) for worker in workers)


def read_source():
    with open(heddle_dask.__file__) as file:
        return file.read()


async def main():
    await Bridge().serve()


if __name__ == "__main__":
    asyncio.run(main())
