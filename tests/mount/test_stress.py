# SPDX-License-Identifier: Apache-2.0
"""Random use, with the kernel forgetting what it knows meanwhile: nothing is lost, nothing appears, nothing hangs.

Every case prints its seed; SEED=n repeats it.
"""

import concurrent.futures
import hashlib
import mmap
import os
import random
import shutil
import threading
import time

from support import parity, proc, sysio, tree
from support.case import MountCase
from support.files import names, read, write


class Dropper:
    """Drops dentries and inodes again and again, as a machine short of memory does."""

    def __init__(self, what="2"):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(what,))

    def _run(self, what):
        while not self._stop.is_set():
            write("/proc/sys/vm/drop_caches", what)
            time.sleep(0.005)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


class Stress(MountCase):
    timeout = 240

    def agree(self, repertoire, steps):
        """The same sequence on the mount and on a plain directory: every answer, and the trees in the end."""
        seed = self.seed()
        rng = random.Random(seed)
        lowers = [self.layer(f"layer{i}", tree.random_entries(rng)) for i in range(4)]
        mount = self.mount(lowers)
        plain = self.path("plain")
        proc.run(["cp", "-a", mount.path, plain], check=True)
        with Dropper():
            parity.apply_to_both(mount.path, plain, seed, steps, repertoire)
        for when in ("at once", "after a remount"):
            # Times of directories differ by the moments between the two; numbers are compared
            # elsewhere.
            self.assert_tree(tree.snapshot(plain), tree.snapshot(mount.path), ignore=("mtime",), why=when)
            mount.remount()

    def test_random_operations_agree_with_a_plain_directory(self):
        self.agree("paths", 2500)

    def test_random_operations_on_open_files_agree_with_a_plain_directory(self):
        """Without hard links: when the kernel has forgotten the other names of an open file, and the name that it knows is
        removed, veneerfs takes the file for another one as soon as it is looked up by such a name."""
        self.agree("no-links", 1500)

    def test_every_name_is_found_while_caches_are_dropped(self):
        """Names that exist must not answer ENOENT, directories must not list as empty."""
        entries = {f"d{i}": {f"s{j}": {f"f{k}": f"{i}.{j}.{k}" for k in range(8)} for j in range(8)}
                   for i in range(8)}
        mount = self.mount([self.layer("top", {"d0": {"s0": {"extra": "x"}}}),
                            self.layer("bottom", entries)])
        wrong, stop = [], threading.Event()
        seed = self.seed()

        def look(rng):
            while not stop.is_set():
                i, j, k = rng.randrange(8), rng.randrange(8), rng.randrange(8)
                try:
                    if read(mount / f"d{i}/s{j}/f{k}").decode() != f"{i}.{j}.{k}":
                        wrong.append(f"d{i}/s{j}/f{k} has other contents")
                    listed = len(os.listdir(mount / f"d{i}/s{j}"))
                    if listed < 8:
                        wrong.append(f"d{i}/s{j} lists {listed} entries")
                except OSError as error:
                    wrong.append(str(error))

        def change(rng):
            number = 0
            while not stop.is_set():
                number += 1
                i, j, k = rng.randrange(8), rng.randrange(8), rng.randrange(8)
                path = mount / f"d{i}/s{j}"
                write(f"{path}/new{number % 7}", "new")
                os.chmod(f"{path}/f{k}", rng.choice((0o644, 0o600)))
                if rng.random() < 0.3:
                    os.rename(f"{path}/new{number % 7}", mount / f"moved{number % 5}")

        threads = [threading.Thread(target=look, args=(random.Random(seed + n),)) for n in range(3)]
        threads.append(threading.Thread(target=change, args=(random.Random(seed),)))
        with Dropper():
            for thread in threads:
                thread.start()
            end = time.monotonic() + 8
            while time.monotonic() < end and not wrong:
                time.sleep(0.1)
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong[:5], [])
        mount.remount()
        for i in range(8):
            for j in range(8):
                found = names(mount / f"d{i}/s{j}")
                self.assertEqual([n for n in found if n.startswith("f")], [f"f{k}" for k in range(8)])

    def test_several_writers_in_their_own_directories(self):
        """Four processes, each with a random sequence in its own part, compared with a plain directory each."""
        seed = self.seed()
        parts = 4
        trees = {f"part{i}": tree.Dir(entries=tree.random_entries(random.Random(seed + i)))
                 for i in range(parts)}
        mount = self.mount([self.layer("lower", trees)])
        plain = self.path("plain")
        proc.run(["cp", "-a", mount.path, plain], check=True)

        def work(index):
            parity.apply_to_both(mount / f"part{index}", os.path.join(plain, f"part{index}"), seed + 100 + index,
                                 1000, "paths")

        with Dropper(), concurrent.futures.ThreadPoolExecutor(parts) as pool:
            list(pool.map(work, range(parts)))
        mount.remount()
        self.assert_tree(tree.snapshot(plain), tree.snapshot(mount.path), ignore=("mtime",))

    def test_renames_across_directories_at_once(self):
        """Threads move one set of directories and files around; in the end each is there exactly once."""
        seed = self.seed()
        entries = {f"dir{i}": {f"file{i}": str(i)} for i in range(12)}
        mount = self.mount([self.layer("lower", {**entries, "a": {}, "b": {}, "c": {}})])
        stop = threading.Event()
        unexpected = []

        def shuffle(index):
            rng = random.Random(seed + index)
            while not stop.is_set():
                places = ["", "a", "b", "c"]
                name = f"dir{rng.randrange(12)}"
                source, target = rng.choice(places), rng.choice(places)
                try:
                    os.rename(os.path.join(mount.path, source, name), os.path.join(mount.path, target, name))
                except FileNotFoundError:
                    pass  # another thread was quicker
                except OSError as error:
                    unexpected.append(str(error))

        threads = [threading.Thread(target=shuffle, args=(i,)) for i in range(3)]
        with Dropper():
            for thread in threads:
                thread.start()
            time.sleep(4)
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(unexpected[:3], [])
        for _ in range(2):
            found = []
            for directory, _, files in os.walk(mount.path):
                for name in files:
                    self.assertEqual(read(os.path.join(directory, name)).decode(), name[4:])
                    self.assertEqual(os.path.basename(directory), "dir" + name[4:])
                    found.append(name)
            self.assertEqual(sorted(found), sorted(f"file{i}" for i in range(12)))
            mount.remount()

    def test_a_long_copy_up_stops_nothing_else(self):
        """While a large file is copied up, other names answer at once and the file itself can be read."""
        size = 200 << 20
        lower = self.layer("lower", {"big": "", "other": {"small": "small"}})
        with open(os.path.join(lower, "big"), "wb") as file:
            block = os.urandom(1 << 20)
            for _ in range(size >> 20):
                file.write(block)
        mount = self.mount([lower])
        copying = threading.Thread(target=lambda: self.touch_byte(mount / "big"))
        copying.start()
        slowest = 0.0
        while copying.is_alive():
            begin = time.monotonic()
            os.listdir(mount / "other")
            write("/proc/sys/vm/drop_caches", "2")
            begin = time.monotonic()
            self.assertEqual(read(mount / "other/small"), b"small")
            with open(mount / "big", "rb") as file:
                self.assertEqual(len(file.read(4096)), 4096)
            slowest = max(slowest, time.monotonic() - begin)
        copying.join()
        self.assertLess(slowest, 2.0, "another file had to wait for the copy")
        self.assertEqual(os.stat(mount / "big").st_size, size)

    @staticmethod
    def touch_byte(path):
        fd = os.open(path, os.O_RDWR)
        os.pwrite(fd, b"!", 5)
        os.close(fd)


class Fsx(MountCase):
    """Random reads, writes, truncations, holes, maps and copies of one file against a model in memory."""

    SIZE = 300_000

    def exercise(self, mount, rng, count, remount):
        path = mount / "file"
        model = bytearray(read(path))
        fd = os.open(path, os.O_RDWR)
        for number in range(count):
            kind = rng.choices(("read", "write", "append", "truncate", "punch", "zero", "mapread", "mapwrite",
                                "copy", "reopen", "drop", "sync", "direct"),
                               (20, 20, 3, 6, 4, 3, 8, 8, 3, 3, 1, 2, 3))[0]
            offset = rng.randrange(self.SIZE)
            length = rng.choice((1, 7, 512, 4096, 10_000, 70_000))
            if kind == "read":
                self.assertEqual(os.pread(fd, length, offset), model[offset:offset + length], number)
            elif kind == "write":
                self.store(model, offset, data := rng.randbytes(length))
                os.pwrite(fd, data, offset)
            elif kind == "append":
                model += (data := rng.randbytes(length % 5000))
                with open(path, "ab") as file:
                    file.write(data)
            elif kind == "truncate":
                size = rng.choice((offset, 0, len(model) // 2))
                os.ftruncate(fd, size)
                model[:] = model[:size] + bytes(max(0, size - len(model)))
            elif kind in ("punch", "zero"):
                flag = sysio.FALLOC_FL_PUNCH_HOLE if kind == "punch" else sysio.FALLOC_FL_ZERO_RANGE
                sysio.fallocate(fd, flag | sysio.FALLOC_FL_KEEP_SIZE, offset, length)
                end = min(len(model), offset + length)
                if end > offset:
                    model[offset:end] = bytes(end - offset)
            elif kind in ("mapread", "mapwrite") and len(model) > 0:
                self.through_a_map(fd, model, rng, kind == "mapwrite", number)
            elif kind == "copy" and len(model) > 40_000:
                data = bytes(model[:20_000])
                os.copy_file_range(fd, fd, 20_000, 0, 20_000)
                model[20_000:40_000] = data
            elif kind == "reopen":
                os.close(fd)
                if remount and rng.random() < 0.3:
                    mount.remount()
                fd = os.open(path, os.O_RDWR)
            elif kind == "drop":
                write("/proc/sys/vm/drop_caches", "3")
            elif kind == "sync":
                os.fsync(fd)
            elif kind == "direct":
                self.read_directly(path, model, offset & ~4095, number)
            self.assertEqual(os.fstat(fd).st_size, len(model), f"operation {number}, {kind}")
        os.close(fd)
        mount.remount()
        self.assertEqual(hashlib.sha256(read(path)).digest(), hashlib.sha256(model).digest())

    @staticmethod
    def store(model, offset, data):
        if offset > len(model):
            model += bytes(offset - len(model))
        model[offset:offset + len(data)] = data

    def through_a_map(self, fd, model, rng, writing, number):
        with mmap.mmap(fd, len(model)) as mapping:
            offset = rng.randrange(len(model))
            length = min(rng.choice((1, 100, 5000)), len(model) - offset)
            self.assertEqual(mapping[offset:offset + length], model[offset:offset + length], number)
            if writing:
                model[offset:offset + length] = data = rng.randbytes(length)
                mapping[offset:offset + length] = data
                if rng.random() < 0.5:
                    mapping.flush()

    def read_directly(self, path, model, offset, number):
        buffer = sysio.AlignedBuffer(8192)
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
        try:
            got = os.preadv(fd, [buffer.view], offset)
            self.assertEqual(bytes(buffer.view[:got]), model[offset:offset + 8192], number)
        finally:
            os.close(fd)
            buffer.close()

    def test_one_file(self):
        rng = random.Random(self.seed())
        for round_number in range(4):
            lower = self.layer(f"lower{round_number}", {"file": rng.randbytes(rng.choice((0, 5000, self.SIZE)))})
            mount = self.mount([lower], name=f"mnt{round_number}")
            self.exercise(mount, rng, 400, remount=True)
            mount.stop()

    def test_an_unlinked_file_all_the_while(self):
        """Another process keeps a descriptor of the old file: it must not see the new one's bytes."""
        rng = random.Random(self.seed())
        lower = self.layer("lower", {"file": rng.randbytes(self.SIZE)})
        mount = self.mount([lower])
        old = read(mount / "file")
        fd = self.fd(mount / "file")
        shutil.copyfile(mount / "file", mount / "new")
        os.rename(mount / "new", mount / "file")
        with open(mount / "file", "r+b") as file:
            for _ in range(100):
                file.seek(rng.randrange(self.SIZE))
                file.write(rng.randbytes(1000))
        self.assertEqual(os.pread(fd, self.SIZE, 0), old)
