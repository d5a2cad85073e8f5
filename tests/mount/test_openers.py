# SPDX-License-Identifier: Apache-2.0
"""Many who have one file open at a time, in every mode of io=: nothing is lost, nobody sees what is not there."""

import mmap
import os
import random

from support import sysio
from support.case import MountCase
from support.files import read, write
from support.tree import File

PAGE = mmap.PAGESIZE
WRITABLE = mmap.PROT_READ | mmap.PROT_WRITE
MODES = ("cached", "passthrough", "auto")


class Race(MountCase):
    """Opens, closes and the first writes of the same files at one time."""

    def test_no_open_fails_and_no_write_is_lost(self):
        count, turns, workers = 20, 80, 4
        lower = self.layer("lower", {f"f{i}": bytes(workers * PAGE) for i in range(count)})
        for mode in MODES:
            with self.subTest(mode):
                mount = self.mount([lower], name=mode, options=[f"io={mode}"])
                codes = [in_background(self.work, mount, count, turns, number) for number in range(workers)]
                self.assertEqual([os.waitpid(pid, 0)[1] for pid in codes], [0] * workers)
                for i in range(count):
                    text = read(mount / f"f{i}")
                    self.assertEqual(text, read(os.path.join(mount.upper, f"f{i}")))
                    last = [int.from_bytes(text[number * PAGE:number * PAGE + 4], "big") for number in range(workers)]
                    self.assertEqual(last, [turns] * workers, f"f{i}")

    @staticmethod
    def work(mount, count, turns, number):
        """Writes 1, 2, ... `turns` into a page of its own of each file, and finds what it wrote the turn before."""
        held = []
        for turn in range(1, turns + 1):
            for i in range(count):
                flags = (os.O_RDWR, os.O_WRONLY)[(turn + i) % 2]
                fd = os.open(mount / f"f{i}", flags)
                os.pwrite(fd, turn.to_bytes(4, "big"), number * PAGE)
                held.append(fd)
                if len(held) > number * 3:
                    os.close(held.pop(0))
                reader = os.open(mount / f"f{i}", os.O_RDONLY)
                found = int.from_bytes(os.pread(reader, 4, number * PAGE), "big")
                os.close(reader)
                if found != turn:
                    raise AssertionError(f"worker {number} wrote {turn} into f{i} and read {found}")


class OneOfTwoNames(MountCase):
    """A file that is open by a name which goes, when the kernel has forgotten the other name."""

    def test_a_store_through_a_map_is_read_by_the_other_name(self):
        lower = self.layer("lower", {"c": {"below": File(0o644, data=b"old" * PAGE)}, "d": {}})
        for mode in MODES:
            with self.subTest(mode):
                mount = self.mount([lower], name=mode, options=[f"io={mode}"])
                os.rename(mount / "c/below", mount / "below")
                write(mount / "made", b"old" * PAGE)
                for name in ("below", "made"):
                    os.link(mount / name, mount / f"d/{name}")
                    mount.remount()  # the kernel knows neither name, in whatever order its caches are dropped
                    fd = os.open(mount / f"d/{name}", os.O_RDWR)
                    with mmap.mmap(fd, PAGE, mmap.MAP_SHARED, WRITABLE) as mapped:
                        os.unlink(mount / f"d/{name}")
                        mapped[:3] = b"NEW"
                        self.assertEqual(os.stat(mount / name).st_ino, os.fstat(fd).st_ino)
                        self.assertEqual(read(mount / name)[:3], b"NEW")
                        os.pwrite(fd, b"END", PAGE)
                        self.assertEqual(read(mount / name)[PAGE:PAGE + 3], b"END")
                        os.unlink(mount / name)
                        self.assertEqual(os.fstat(fd).st_nlink, 0)
                        self.assertEqual(os.pread(fd, 3, 0), b"NEW")
                    os.close(fd)


class Asynchronous(MountCase):
    """A database writes with io_submit(2) and O_DIRECT, and others read the file as any other, a backup for one."""

    SIZE = 16 * PAGE

    def test_a_read_that_begins_after_a_write_has_ended_is_never_old(self):
        lower = self.layer("lower", {"below": bytes(self.SIZE)})
        for mode in MODES:
            with self.subTest(mode):
                mount = self.mount([lower], name=mode, options=[f"io={mode}"])
                write(mount / "made", bytes(self.SIZE))
                for name in ("below", "made"):
                    self.assertEqual(self.old_reads(mount / name, 400), 0, name)

    def old_reads(self, path, turns):
        """How many of `turns` reads, each after a write, were old, with two readers beside."""
        fd = os.open(path, os.O_RDWR | os.O_DIRECT)
        reader = os.open(path, os.O_RDONLY)
        readers = [in_background(self.read_on, path) for _ in range(2)]
        buffer, writer, old = sysio.AlignedBuffer(self.SIZE), sysio.AsyncWriter(), 0
        for turn in range(1, turns + 1):
            expected = bytes([turn % 255 + 1]) * self.SIZE
            buffer.view[:] = expected
            self.assertEqual(writer.write(fd, buffer, self.SIZE, 0), self.SIZE)
            old += os.pread(reader, self.SIZE, 0) != expected
        write(path + ".end", "")
        self.assertEqual([os.waitpid(pid, 0)[1] for pid in readers], [0, 0])
        os.unlink(path + ".end")
        writer.close()
        buffer.close()
        os.close(fd)
        os.close(reader)
        return old

    @staticmethod
    def read_on(path):
        fd = os.open(path, os.O_RDONLY)
        while not os.path.exists(path + ".end"):
            os.pread(fd, Asynchronous.SIZE, 0)


def in_background(function, *arguments):
    """Calls a function in a forked child; its pid. The child ends with 0 unless the function raised something."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        function(*arguments)
        code = 0
    except BaseException as error:  # told at once: nobody else will
        print(f"in a child: {error!r}", flush=True)
    finally:
        os._exit(code)


class Crowd(MountCase):
    """Several openers and mappings of one file, at random, against a plain file."""

    SIZE = 12 * PAGE

    def test_everybody_sees_the_plain_files_bytes(self):
        for mode in MODES:
            with self.subTest(mode):
                self.play(mode, random.Random(self.seed()))

    def test_and_those_of_a_new_file(self):
        for mode in MODES:
            with self.subTest(mode):
                self.play(mode, random.Random(self.seed()), made=True)

    def play(self, mode, rng, made=False):
        """`made`: the file is made on the mount, and who made it may write on all the time."""
        data = rng.randbytes(self.SIZE)
        below = {"file": File(0o644, data=data)} if not made else {}
        mount = self.mount([self.layer(f"lower-{mode}", below)], name=mode, options=[f"io={mode}"])
        self.paths = (mount / "file", self.path(f"plain-{mode}"))
        self.open, self.history = [], []  # of pairs: on the mount, on the plain file
        maker = []
        if made:
            maker = [self.fd(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) for path in self.paths]
            self.both("write as the maker", lambda side: os.write(maker[side], data))
        else:
            write(self.paths[1], data)
        actions = [self.open_one, self.open_one, self.map_one, self.close_one, self.close_one, self.write_one,
                   self.write_one, self.store_one, self.store_one, self.truncate, self.copy, self.punch, self.drop]
        for _ in range(700):
            rng.choice(actions)(rng)
            if rng.random() < 0.02:
                self.close_everything()
            if rng.random() < 0.005:
                self.close_everything()
                for fd in maker:
                    os.close(fd)
                maker = []
                mount.remount()
            if maker:
                self.write_as(maker, rng)
            self.compare()
        self.close_everything()
        self.close_all()
        mount.stop()
        self.assertEqual(read(os.path.join(mount.upper, "file")), read(self.paths[1]))

    def both(self, text, action):
        self.history.append(text)
        action(0)
        action(1)

    def descriptors(self, *access):
        return [one for one in self.open if one["access"] in access]

    def size(self):
        return os.path.getsize(self.paths[1])

    def open_one(self, rng):
        if len(self.open) > 8:
            return
        access = rng.choice((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR))
        more = rng.choice((0, 0, 0, 0, os.O_TRUNC if access != os.O_RDONLY else 0))
        self.history.append(f"open {access:o} {more:o}")
        self.open.append({"access": access, "pair": [os.open(path, access | more) for path in self.paths]})

    def map_one(self, rng):
        found = self.descriptors(os.O_RDONLY, os.O_RDWR)
        if not found or self.size() == 0:
            return
        one = rng.choice(found)
        protection = WRITABLE if one["access"] == os.O_RDWR else mmap.PROT_READ
        self.history.append(f"mmap {protection}")
        self.open.append({"access": protection << 8,
                          "pair": [mmap.mmap(fd, 0, mmap.MAP_SHARED, protection) for fd in one["pair"]]})

    def close_one(self, rng):
        if self.open:
            self.shut(self.open.pop(rng.randrange(len(self.open))))

    def shut(self, one):
        self.history.append(f"close {one['access']:o}")
        for what in one["pair"]:
            what.close() if isinstance(what, mmap.mmap) else os.close(what)

    def close_everything(self):
        while self.open:
            self.shut(self.open.pop())

    def write_one(self, rng):
        found = self.descriptors(os.O_WRONLY, os.O_RDWR)
        if found:
            self.write_as(rng.choice(found)["pair"], rng)

    def write_as(self, pair, rng):
        offset = rng.randrange(self.SIZE)
        data = rng.randbytes(rng.choice((1, 100, PAGE, 3 * PAGE)))
        self.both(f"write {offset} {len(data)}", lambda side: os.pwrite(pair[side], data, offset))

    def store_one(self, rng):
        found, size = self.descriptors(WRITABLE << 8), self.size()
        if found and size:
            one = rng.choice(found)
            end = min(size, len(one["pair"][0]))
            offset = rng.randrange(end)
            data = rng.randbytes(min(rng.choice((1, 100, PAGE)), end - offset))

            def store(side):
                one["pair"][side][offset:offset + len(data)] = data

            self.both(f"store {offset} {len(data)}", store)

    def truncate(self, rng):
        size, found = rng.randrange(self.SIZE), self.descriptors(os.O_WRONLY, os.O_RDWR)
        one = rng.choice(found) if found and rng.random() < 0.5 else None
        if rng.random() < 0.4:
            self.both(f"truncate {size}",
                      lambda side: os.truncate(one["pair"][side] if one else self.paths[side], size))

    def copy(self, rng):
        found = self.descriptors(os.O_RDWR)
        if found:
            one, size = rng.choice(found), self.size() // 2
            self.both(f"copy {size}",
                      lambda side: os.copy_file_range(one["pair"][side], one["pair"][side], size, 0, size))

    def punch(self, rng):
        found = self.descriptors(os.O_RDWR, os.O_WRONLY)
        if found:
            one, offset = rng.choice(found), rng.randrange(self.SIZE)
            self.both(f"punch {offset}", lambda side: sysio.fallocate(
                one["pair"][side], sysio.FALLOC_FL_PUNCH_HOLE | sysio.FALLOC_FL_KEEP_SIZE, offset, 5000))

    def drop(self, rng):
        if rng.random() < 0.2:
            self.history.append("drop caches")
            write("/proc/sys/vm/drop_caches", rng.choice("123"))

    def compare(self):
        expected = read(self.paths[1])
        told = "after: " + ", ".join(self.history[-25:])
        self.assertEqual(os.stat(self.paths[0]).st_size, len(expected), told)
        for one in self.open:
            mine = one["pair"][0]
            if isinstance(mine, mmap.mmap):
                end = min(len(mine), len(expected))
                self.assertTrue(mine[:end] == expected[:end], f"a mapping differs {told}")
            elif one["access"] != os.O_WRONLY:
                self.assertTrue(os.pread(mine, 10 * self.SIZE, 0) == expected, f"an open file differs {told}")
