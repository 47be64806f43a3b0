"""What heddle runs inside Dask's processes: the sidecar's keeper on workers, the store of functions on the scheduler, and what submits graphs.

It travels as text with the plugins of bridge.py and becomes a module named after its own content, so nothing is installed on the cluster, tasks name it
in a few bytes, and clients of different versions of heddle do not meet.

    client ── bridge.py ── scheduler ── worker ─┬─ run_js ── Sidecar ══ socketpair ══ node sidecar.js ── thread, thread …
                             └ CodeStore        └─ one Keeper a worker
"""

import asyncio
import json
import os
import queue
import shutil
import socket
import struct
import subprocess
import threading
import time
import uuid
import zlib

import dask
from distributed import Client, Reschedule, as_completed, get_worker, secede

NAME = __name__
#: The scheduler's handler that workers ask for functions.
HANDLER = "heddle_code_" + NAME.rpartition("_")[2]

#: A blob without a body.
NOTHING = b"\0"

# ---------------------------------------------------------------- frames: u32 length | u32 length of the header | header as JSON | blobs


def pack(header, blobs=()):
    header = dict(header, b=[len(blob) for blob in blobs])
    text = json.dumps(header).encode()
    return struct.pack("<II", 4 + len(text) + sum(header["b"]), len(text)) + text


def read_exactly(sock, count):
    body = bytearray(count)
    view = memoryview(body)
    got = 0
    while got < count:
        more = sock.recv_into(view[got:], count - got)
        if more == 0:
            raise EOFError
        got += more
    return body


def read_frame(sock):
    total, size = struct.unpack("<II", read_exactly(sock, 8))
    header = json.loads(bytes(read_exactly(sock, size)))
    return header, [bytes(read_exactly(sock, length)) for length in header["b"]]


# ---------------------------------------------------------------- errors


class JSError(Exception):
    """What a task ended with: `info` says what, `packed` is heddle's own form of a JavaScript error."""

    def __init__(self, info, packed=b""):
        super().__init__(info.get("text", info.get("kind")))
        self.info, self.packed = info, packed

    def __reduce__(self):
        return (JSError, (self.info, self.packed))


# ---------------------------------------------------------------- scheduler


class CodeStore:
    """Functions and captured data by their hash, kept while a client that brought them is there; what others may still use goes last."""

    LIMIT = 256 << 20

    def __init__(self):
        self.code = {}
        self.owners = {}

    def put(self, client, code):
        for digest, data in code.items():
            self.code.setdefault(digest, data)
            self.owners.setdefault(digest, set()).add(client)

    def left(self, client):
        for owners in self.owners.values():
            owners.discard(client)
        orphans = [digest for digest, owners in self.owners.items() if not owners]
        size = sum(len(self.code[digest]) for digest in orphans)
        everybody = len(orphans) == len(self.owners)
        for digest in orphans:
            if size <= self.LIMIT and not everybody:
                break
            size -= len(self.code[digest])
            del self.code[digest], self.owners[digest]


STORE = CodeStore()


def put_code(client, code):
    STORE.put(client, code)


async def get_code(digest):
    return STORE.code.get(digest)


def has_code(digests):
    return [digest for digest in digests if digest in STORE.code]


# ---------------------------------------------------------------- worker


class Call:
    """One run of a task in a sidecar; its thread waits here for what comes of it."""

    def __init__(self, key):
        self.key = key
        self.id = None
        self.sidecar = None
        self.messages = queue.SimpleQueue()
        self.cancelled = False
        self.force = False


class Sidecar:
    """A Node process and the socket to it. It ends when its standard input does, so it never outlives this process."""

    def __init__(self, keeper, threads):
        self.keeper = keeper
        self.calls = {}
        self.lock = threading.Lock()
        self.sending = threading.Lock()
        self.last = 0
        self.alive = True
        ours, theirs = socket.socketpair()
        self.sock = ours
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.log = open(os.path.join(keeper.folder, "sidecar.log"), "ab")
        command = [keeper.node, keeper.main, json.dumps({"threads": threads, "worker": keeper.name, "cwd": os.getcwd(), "heap": keeper.heap(threads), "fd": theirs.fileno()})]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, pass_fds=(theirs.fileno(),), start_new_session=True)
        except OSError as error:
            ours.close()
            self.log.close()
            raise JSError({"kind": "node", "text": "Node cannot be started on the worker %s: %s; install Node 20.12 or newer there, or set HEDDLE_NODE to its path" % (keeper.name, error)})
        finally:
            theirs.close()
        self.reader = threading.Thread(target=self.read, name="heddle-sidecar", daemon=True)
        self.reader.start()

    def read(self):
        try:
            while True:
                header, blobs = read_frame(self.sock)
                op = header["op"]
                if op == "need":
                    self.keeper.on_loop(self.bring(header["digests"]))
                elif op == "link":
                    self.keeper.on_loop(self.keeper.link(self, header, blobs))
                elif op == "gone":
                    self.keeper.on_loop(self.keeper.unlink(self, header["thread"]))
                else:
                    call = self.calls.get(header["id"])
                    if call is not None:
                        call.messages.put((op, header, blobs))
        except (EOFError, OSError, ValueError):
            pass
        with self.lock:
            self.alive = False
            calls = list(self.calls.values())
        status = self.end(2)
        self.keeper.on_loop(self.keeper.unlink(self))
        for call in calls:
            call.messages.put(("died", {"status": status, "log": self.tail()}, ()))

    async def bring(self, digests):
        for digest in digests:
            data = await getattr(self.keeper.worker.scheduler, HANDLER)(digest=digest)
            if data is None:
                self.send({"op": "code", "digest": digest, "missing": True})
            else:
                self.send({"op": "code", "digest": digest}, (data,))

    def send(self, header, blobs=()):
        try:
            with self.sending:
                head = pack(header, blobs)
                if sum(map(len, blobs)) < 65536:
                    self.sock.sendall(b"".join((head, *blobs)))
                else:
                    self.sock.sendall(head)
                    for blob in blobs:
                        self.sock.sendall(blob)
        except OSError:
            pass  # the reader tells everybody

    def begin(self, call, header, blobs):
        with self.lock:
            if not self.alive:
                call.messages.put(("died", {"status": None, "log": ""}, ()))
                return
            self.last += 1
            call.id, call.sidecar = self.last, self
            self.calls[call.id] = call
        self.send(dict(header, id=call.id), blobs)

    def forget(self, call):
        with self.lock:
            self.calls.pop(call.id, None)

    def tail(self):
        try:
            with open(os.path.join(self.keeper.folder, "sidecar.log"), "rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - 2000))
                return log.read().decode("utf8", "replace").strip()
        except OSError:
            return ""

    def end(self, patience):
        """Ends the process, whatever it does; its exit status."""
        for close in (self.process.stdin.close, lambda: self.sock.shutdown(socket.SHUT_RDWR)):
            try:
                close()
            except OSError:
                pass
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if threading.current_thread() is self.reader:
            self.sock.close()
        self.log.close()
        return self.process.returncode


class Keeper:
    """Keeps a worker's sidecar: starts it with the first task, again after a crash, and ends it with the worker."""

    def __init__(self, worker, bundle):
        self.worker = worker
        self.name = str(worker.name)
        self.node = os.environ.get("HEDDLE_NODE") or shutil.which("node") or "node"
        self.folder = os.path.join(worker.local_directory, NAME)
        self.main = os.path.join(self.folder, "dist", "runtime", "dask", "sidecar.js")
        self.bundle = bundle
        self.lock = threading.Lock()
        self.shared = None
        self.alone = set()
        self.running = {}
        self.submitters = {}
        self.client = None
        self.closed = False
        self.thread_count = worker.state.nthreads

    def heap(self, threads):
        """Megabytes of V8's heap for each thread: all of them together get what the worker may use."""
        limit = getattr(self.worker.memory_manager, "memory_limit", None)
        return None if not limit else max(64, int(limit) // threads >> 20)

    def unpack_bundle(self):
        """Lays out heddle's own code once, under the name of its content."""
        if os.path.exists(self.main):
            return
        fresh = "%s.%d.%d" % (self.folder, os.getpid(), threading.get_ident())
        for path, text in json.loads(zlib.decompress(self.bundle[1:])).items():
            place = os.path.join(fresh, "dist", *path.split("/"))
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="utf8") as file:
                file.write(text)
        modules = nearest_modules(os.getcwd())
        if modules is not None:
            os.symlink(modules, os.path.join(fresh, "node_modules"))
        try:
            os.rename(fresh, self.folder)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)

    def on_loop(self, coroutine):
        try:
            asyncio.run_coroutine_threadsafe(coroutine, self.worker.loop.asyncio_loop)
        except RuntimeError:
            coroutine.close()  # the worker is closing

    def sidecar(self):
        with self.lock:
            if self.closed:
                raise Reschedule()
            if self.shared is None or not self.shared.alive:
                self.unpack_bundle()
                self.shared = Sidecar(self, self.thread_count)
            return self.shared

    def own_sidecar(self):
        with self.lock:
            if self.closed:
                raise Reschedule()
            self.unpack_bundle()
            sidecar = Sidecar(self, 1)
            self.alone.add(sidecar)
            return sidecar

    def run(self, key, payload, inputs):
        """All attempts of a task."""
        size = struct.unpack_from("<I", payload, 1)[0]  # the first byte says what a blob is
        meta = json.loads(payload[5 : 5 + size])
        deaths = 0
        attempt = 1
        while True:
            call = Call(key)
            self.running[key] = call
            sidecar = None
            try:
                # who was in flight when a sidecar died runs by itself from then on: only deaths while alone count
                sidecar = self.sidecar() if deaths == 0 else self.own_sidecar()
                op, header, blobs = self.attempt(sidecar, call, meta, attempt, payload, inputs)
            finally:
                if self.running.get(key) is call:
                    del self.running[key]
                if deaths > 0 and sidecar is not None:
                    self.alone.discard(sidecar)
                    sidecar.end(2)
            if call.cancelled or self.closed:
                raise Reschedule()  # nobody listens; or, wanted again meanwhile, it runs again
            if op == "done":
                return blobs[0]
            if op == "ended":
                continue  # its thread was ended for another's sake
            if op == "died":
                deaths += 1
                if deaths - 1 > meta["allowedFailures"]:
                    raise JSError(dict(self.blame(meta), kind="killed", deaths=deaths - 1, worker=self.name, attempt=attempt, text="the task ended its Node process %d times" % (deaths - 1), status=header["status"], log=header["log"]))
                continue
            if attempt <= meta["retries"]:
                attempt += 1
                continue
            info = {**self.blame(meta), **header["info"], "worker": self.name, "attempt": attempt}
            raise JSError(info, blobs[0] if blobs else b"")

    @staticmethod
    def blame(meta):
        return {"key": meta["key"], "name": meta["name"], "failure": uuid.uuid4().hex}

    def attempt(self, sidecar, call, meta, attempt, payload, inputs):
        sidecar.begin(call, {"op": "run", "key": call.key, "attempt": attempt}, (payload, *inputs))
        timeout = meta.get("timeout")
        deadline = None if timeout is None else time.monotonic() + timeout / 1000
        late = stopping = seceded = False
        try:
            while True:
                try:
                    op, header, blobs = call.messages.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    if stopping:
                        sidecar.send({"op": "end", "id": call.id})
                        deadline = None
                    else:
                        late = stopping = True
                        sidecar.send({"op": "stop", "id": call.id, "why": "timeout"})
                        deadline = time.monotonic() + meta["grace"] / 1000
                    continue
                if op == "cancel":
                    if not stopping or call.force:
                        stopping = True
                        sidecar.send({"op": "stop", "id": call.id, "why": "cancelled"})
                        deadline = time.monotonic() + (0 if call.force else meta["grace"] / 1000)
                    continue
                if op == "secede":
                    if not seceded:
                        secede()  # it waits for its children: its place is free for others
                    seceded = True
                    continue
                if late and op in ("done", "failed", "ended"):
                    return "failed", {"info": {"kind": "timeout", "ms": timeout, "text": "the task took longer than %s ms" % timeout}}, ()
                return op, header, blobs
        finally:
            sidecar.forget(call)

    def cancel(self, key, force=False):
        call = self.running.get(key)
        if call is not None:
            call.cancelled = True
            call.force = call.force or force
            call.messages.put(("cancel", {}, ()))

    async def link(self, sidecar, header, blobs):
        """Tasks that submit tasks: a thread's engine speaks to a Submitter here as a client's does to one in its bridge."""
        thread = header["thread"]
        place = (sidecar, thread)
        submitter = self.submitters.get(place)
        if submitter is None:
            if self.client is None:
                self.client = asyncio.ensure_future(open_client(self.worker))
            client = await self.client
            submitter = self.submitters.setdefault(place, Submitter(client, lambda head, more=(): sidecar.send({"op": "link", "thread": thread, "header": head}, more)))
        await submitter.take(header["header"], blobs)

    async def unlink(self, sidecar, thread=None):
        for place in [place for place in self.submitters if place[0] is sidecar and thread in (None, place[1])]:
            self.submitters.pop(place).drop()

    async def call(self, payload):
        """Runs a function outside the scheduler."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self.call_now, payload)

    def call_now(self, payload):
        call = Call("call")
        sidecar = self.sidecar()
        try:
            sidecar.begin(call, {"op": "call"}, (payload,))
            op, header, blobs = call.messages.get()
            if op == "done":
                return {"ok": True}, blobs[0]
            if op == "failed":
                return {"ok": False, "info": dict(header["info"], worker=self.name, attempt=1)}, blobs[0] if blobs else NOTHING
            return {"ok": False, "info": {"kind": "node", "text": "the Node process of %s ended" % self.name}}, NOTHING
        finally:
            sidecar.forget(call)

    def refresh(self):
        """Ends the sidecar; tasks that run in it begin again."""
        with self.lock:
            sidecar, self.shared = self.shared, None
        if sidecar is not None:
            sidecar.end(0.2)

    def stop(self):
        """Ends everything, and waits for nothing: a worker that is held up in the middle of its closing hears SIGTERM as a second closing, which Dask
        cancels the first for, and then waits for ever. The reader of each sidecar sees to the rest."""
        with self.lock:
            self.closed = True
            sidecars = [sidecar for sidecar in (self.shared, *self.alone) if sidecar is not None]
        for sidecar in sidecars:
            sidecar.process.kill()


async def open_client(worker):
    return await Client(worker.scheduler.address, asynchronous=True, security=worker.security, name="heddle-nested", set_as_default=False)


def nearest_modules(folder):
    while True:
        place = os.path.join(folder, "node_modules")
        if os.path.isdir(place):
            return place
        if os.path.dirname(folder) == folder:
            return None
        folder = os.path.dirname(folder)


KEEPERS = {}


def setup_worker(worker, bundle):
    if worker.id not in KEEPERS:
        KEEPERS[worker.id] = Keeper(worker, bundle)


def teardown_worker(worker):
    """A plugin of the same name that comes again tears the old one down: only a worker that closes ends its sidecar."""
    if worker.status.name not in ("running", "paused", "init"):
        keeper = KEEPERS.pop(worker.id, None)
        if keeper is not None:
            keeper.stop()


def transition_on_worker(worker, key, start, finish):
    if start in ("executing", "long-running", "cancelled", "resumed") and finish in ("cancelled", "released", "forgotten"):
        keeper = KEEPERS.get(worker.id)
        if keeper is not None:
            keeper.cancel(key)


def run_js(payload, *inputs):
    """The function of every task."""
    worker = get_worker()
    return KEEPERS[worker.id].run(worker.get_current_task(), payload, inputs)


async def call_js(payload, dask_worker):
    return await KEEPERS[dask_worker.id].call(payload)


def cancel_now(keys, dask_worker):
    for key in keys:
        KEEPERS[dask_worker.id].cancel(key, force=True)


async def refresh_js(dask_worker):
    await asyncio.get_running_loop().run_in_executor(None, KEEPERS[dask_worker.id].refresh)


def node_of(dask_worker):
    """What Node a worker has, the form in which it writes data, and what its machine is called."""
    keeper = KEEPERS[dask_worker.id]
    text = "none"
    try:
        command = [keeper.node, "-p", "process.versions.node + ' ' + require('node:v8').serialize(0)[1]"]
        text = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=True).stdout.decode()
    except (OSError, subprocess.SubprocessError):
        pass
    version, _, form = text.strip().partition(" ")
    return {"version": version, "form": form, "hostname": socket.gethostname()}


# ---------------------------------------------------------------- graphs: in the bridge for a client, on a worker for tasks that submit tasks


def describe(error):
    """What a Future ended with, as a header and a blob."""
    if isinstance(error, JSError):
        return error.info, error.packed
    name = type(error).__name__
    if name == "KilledWorker":
        return {"kind": "killed", "deaths": None, "worker": str(getattr(getattr(error, "last_worker", None), "name", "")), "text": str(error)}, b""
    return {"kind": "python", "name": name, "text": str(error)[:4000]}, b""


class Submitter:
    """Does what an engine asks, with one client of Dask's. Requests that change something are done in their order."""

    def __init__(self, client, send):
        self.client = client
        self.send = send
        self.futures = {}
        self.scattered = {}
        self.tasks = set()

    def drop(self):
        for future in self.futures.values():
            future.release()
        self.futures.clear()
        self.scattered.clear()

    def spawn(self, coroutine):
        task = asyncio.ensure_future(self.guard(coroutine))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def guard(self, coroutine):
        try:
            await coroutine
        except Exception as error:
            self.send({"op": "fatal", "info": {"kind": "python", "name": type(error).__name__, "text": str(error)[:2000]}})

    async def take(self, header, blobs):
        op = getattr(self, "op_" + header["op"])
        if header["op"] in ("submit", "scatter", "release", "cancel", "retry"):
            await self.answer(op, header, blobs)
        else:
            self.spawn(self.answer(op, header, blobs))

    async def answer(self, op, header, blobs):
        try:
            said, more = await op(header, blobs)
        except Exception as error:
            info, packed = describe(error)
            said, more = {"error": info}, (packed,) if packed else ()
        if "request" in header:
            self.send(dict(said, op="answer", request=header["request"]), more)

    async def bring(self, digests, blobs):
        if digests:
            await self.client.run_on_scheduler(put_code, self.client.id, dict(zip(digests, blobs)))

    async def op_submit(self, header, blobs):
        try:
            await self.submit(header, blobs)
        except Exception as error:
            info, _ = describe(error)
            self.send({"op": "done", "events": [[key, "error", info, 0] for key in header["want"]]})
        return {}, ()

    async def submit(self, header, blobs):
        tasks, code = header["tasks"], header["code"]
        await self.bring(code, blobs[len(tasks) :])
        graph = {}
        own = {task["k"] for task in tasks}
        for task, blob in zip(tasks, blobs):
            graph[task["k"]] = (run_js, blob, *(key if key in own else self.futures[key] for key in task.get("d", ())))
        notes = {}
        where = {task["k"]: task["w"] for task in tasks if "w" in task}
        if where:
            loose = {task["k"] for task in tasks if task.get("o")}
            notes["workers"] = lambda key: where.get(key, [])
            notes["allow_other_workers"] = lambda key: key in loose
        for short, name, none in (("p", "priority", 0), ("r", "resources", {})):
            some = {task["k"]: task[short] for task in tasks if short in task}
            if some:
                notes[name] = lambda key, some=some, none=none: some.get(key, none)
        with dask.annotate(**notes):
            futures = self.client.get(graph, header["want"], sync=False)
        for key, future in zip(header["want"], futures):
            self.futures[key] = future
        self.spawn(self.watch(futures))

    async def watch(self, futures):
        done = as_completed(futures, loop=self.client.loop, raise_errors=False)
        async for future in done:
            events, blobs = [], []
            for one in (future, *done.next_batch(block=False)):
                if self.futures.get(one.key) is not one:
                    continue  # let go meanwhile
                if one.status == "cancelled" and self.client.status != "running":
                    continue  # the scheduler is gone, which is told by itself
                info, packed = None, b""
                if one.status == "error":
                    info, packed = describe(await one.exception())
                events.append([one.key, one.status, info, len(packed)])
                if packed:
                    blobs.append(packed)
            if events:
                self.send({"op": "done", "events": events}, blobs)

    async def op_gather(self, header, blobs):
        keys = [key for key in header["keys"] if key in self.futures]
        results = await self.client.gather({key: self.futures[key] for key in keys}, errors="skip")
        outcomes, more = [], []
        for key in header["keys"]:
            if key in results:
                outcomes.append(None)
                more.append(results[key])
            else:
                future = self.futures.get(key)
                info, packed = {"kind": "lost", "text": "the result is gone"}, b""
                if future is not None and future.status == "error":
                    info, packed = describe(await future.exception())
                outcomes.append(info)
                more.append(packed or NOTHING)
        return {"outcomes": outcomes}, more

    async def op_scatter(self, header, blobs):
        key = header["key"]
        await self.bring(header["code"], blobs[1:])
        found = await self.client.scatter({key: blobs[0]}, workers=header["workers"], broadcast=header["broadcast"])
        self.futures[key] = self.scattered[key] = found[key]
        self.spawn(self.watch([found[key]]))
        return {}, ()

    def tell_losses(self):
        """Data that was scattered, and is gone with its workers."""
        lost = [key for key, future in self.scattered.items() if future.status in ("lost", "cancelled")]
        for key in lost:
            del self.scattered[key]
        if lost and self.client.status == "running":
            self.send({"op": "done", "events": [[key, "lost", None, 0] for key in lost]})

    async def op_release(self, header, blobs):
        for key in header["keys"]:
            future = self.futures.pop(key, None)
            self.scattered.pop(key, None)
            if future is not None:
                future.release()
            del future
        # Dask counts holds in a later turn of the loop: what comes next must not find the key still held
        for _ in range(2):
            await asyncio.sleep(0)
        return {}, ()

    async def op_cancel(self, header, blobs):
        """Lets go of tasks, which stops those that nobody else wants. Dask's own `cancel` would tell other clients that their tasks are cancelled."""
        if header["force"]:
            await self.client.run(cancel_now, header["keys"])
        return await self.op_release(header, blobs)

    async def op_retry(self, header, blobs):
        futures = [self.futures[key] for key in header["keys"] if key in self.futures]
        await self.client.retry(futures)
        self.spawn(self.watch(futures))
        return {}, ()

    async def op_look(self, header, blobs):
        keys = list(self.futures)
        what = header["what"]
        if what == "whoHas":
            found = await self.client.who_has([self.futures[key] for key in keys]) if keys else {}
            return {"found": {str(key): list(addresses) for key, addresses in found.items()}}, ()
        if what == "nbytes":
            found = await self.client.nbytes(keys, summary=False) if keys else {}
            return {"found": {str(key): size for key, size in found.items() if size}}, ()
        if what == "processing":
            found = await self.client.processing()
            return {"found": {address: [str(key) for key in keys] for address, keys in found.items()}}, ()
        return {"found": await workers_of(self.client)}, ()

    async def op_call(self, header, blobs):
        await self.bring(header["code"], blobs[1:])
        results = await self.client.run(call_js, blobs[0], workers=header["workers"])
        return {"said": [dict(result[0], address=address) for address, result in results.items()]}, [result[1] for result in results.values()]

    async def op_restart(self, header, blobs):
        futures = list(self.futures.values())
        self.futures.clear()
        self.scattered.clear()
        await self.client.cancel(futures)
        for future in futures:
            future.release()
        await self.client.run(refresh_js)
        return {}, ()


async def workers_of(client):
    """Every worker as the scheduler knows it."""
    try:
        info = await client.scheduler.identity(n_workers=-1)
    except TypeError:
        info = await client.scheduler.identity()
    found = []
    for address, worker in info["workers"].items():
        metrics = worker.get("metrics") or {}
        spilled = metrics.get("spilled_bytes") or {}
        found.append(
            {
                "address": address,
                "name": str(worker.get("name") or address),
                "host": worker.get("host") or "",
                "nthreads": worker.get("nthreads"),
                "resources": worker.get("resources") or {},
                "status": worker.get("status") or "running",
                "nbytes": (metrics.get("managed_bytes") or 0),
                "spilled": spilled.get("disk", 0) if isinstance(spilled, dict) else 0,
                "processing": metrics.get("executing") or 0,
            }
        )
    return found
