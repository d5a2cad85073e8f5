# SPDX-License-Identifier: Apache-2.0
"""Files that are made on the mount and written at once: they bypass the page cache of the mount, and nobody can tell."""

import errno
import mmap
import os
import resource
import signal
import stat
import subprocess
import threading

from support import proc
from support.case import MountCase
from support.files import read, write

PAGE = mmap.PAGESIZE
WRITABLE = mmap.PROT_READ | mmap.PROT_WRITE
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
BOTH = ("x-disable=", "x-disable=direct_writes")


class NewFiles(MountCase):
    def setUp(self):
        super().setUp()
        self.mnt = self.mount([self.layer("lower", {"below": "below"})])

    def test_are_made_and_opened_in_one_request(self):
        before = self.requests()
        fd = self.fd(self.mnt / "new", NEW)
        os.write(fd, b"x" * PAGE)
        after = self.requests()
        self.assertEqual([after.get(name, 0) - before.get(name, 0) for name in ("CREATE", "MKNOD", "OPEN")],
                         [1, 0, 0])

    def requests(self):
        return {kind["kind"]: kind["count"] for kind in self.mnt.stats()["requests"]}

    def test_flags_mode_owner_and_refusals_are_those_of_open(self):
        os.umask(0o027)
        self.addCleanup(os.umask, 0o022)
        fd = self.fd(self.mnt / "read-only", NEW, 0o444)
        os.write(fd, b"written all the same")
        self.assertEqual(stat.S_IMODE(os.fstat(fd).st_mode), 0o440)
        with self.errno(errno.EBADF):
            os.read(fd, 1)
        with self.errno(errno.EEXIST):
            os.open(self.mnt / "read-only", NEW)
        with self.errno(errno.EEXIST):
            os.open(self.mnt / "below", NEW)
        with self.errno(errno.ENOENT):
            os.open(self.mnt / "no/file", NEW)
        with self.errno(errno.ENAMETOOLONG):
            os.open(self.mnt / ("n" * 256), NEW)
        os.mkdir(self.mnt / "his", 0o700)
        os.chmod(self.mnt / "his", 0o777)

        def make():
            os.close(os.open(self.mnt / "his/new", NEW, 0o600))

        proc.in_child(make, uid=4711, gid=4712)
        made = os.stat(self.mnt / "his/new")
        self.assertEqual((made.st_uid, made.st_gid), (4711, 4712))

    def test_every_reader_sees_each_write_at_once_while_others_read(self):
        stop = threading.Event()
        fd = self.fd(self.mnt / "new", NEW)
        os.write(fd, bytes(4 * PAGE))
        reader = self.fd(self.mnt / "new")
        mapping = mmap.mmap(reader, 4 * PAGE, mmap.MAP_SHARED, mmap.PROT_READ)
        self.addCleanup(mapping.close)

        def disturb():
            other = os.open(self.mnt / "new", os.O_RDONLY)
            while not stop.is_set():
                os.pread(other, 4 * PAGE, 0)
            os.close(other)

        readers = [threading.Thread(target=disturb) for _ in range(3)]
        for thread in readers:
            thread.start()
        try:
            for turn in range(1, 8001):
                number, offset = turn.to_bytes(4, "big"), turn * 1021 % (4 * PAGE - 4)
                os.pwrite(fd, number, offset)
                self.assertEqual(os.pread(reader, 4, offset), number, f"read, turn {turn}")
                self.assertEqual(mapping[offset:offset + 4], number, f"mapped, turn {turn}")
        finally:
            stop.set()
            for thread in readers:
                thread.join()

    def test_writers_through_a_mapping_and_through_the_page_cache_beside_it(self):
        fd = self.fd(self.mnt / "new", NEW)
        os.write(fd, bytes(6 * PAGE))
        pids = [self.child(self.store, number) for number in range(2)] + [self.child(self.write_pages, 2)]
        for turn in range(1, 2001):
            os.pwrite(fd, turn.to_bytes(4, "big") * 16, 3 * PAGE + 16)
        self.assertEqual([os.waitpid(pid, 0)[1] for pid in pids], [0] * 3)
        text = read(self.mnt / "new")
        self.assertEqual([text[page * PAGE + 16:page * PAGE + 20] for page in range(4)],
                         [(2000).to_bytes(4, "big")] * 4)
        self.close_all()
        self.mnt.stop()
        self.assertEqual(read(os.path.join(self.mnt.upper, "new")), text)

    @staticmethod
    def child(function, *arguments):
        pid = os.fork()
        if pid == 0:
            try:
                function(*arguments)
                os._exit(0)
            finally:
                os._exit(1)
        return pid

    def store(self, page):
        with open(self.mnt / "new", "r+b") as file, mmap.mmap(file.fileno(), 6 * PAGE) as mapping:
            for turn in range(1, 2001):
                mapping[page * PAGE + 16:page * PAGE + 20] = turn.to_bytes(4, "big")

    def write_pages(self, page):
        with open(self.mnt / "new", "r+b", buffering=0) as file:
            for turn in range(1, 2001):
                os.pwrite(file.fileno(), turn.to_bytes(4, "big"), page * PAGE + 16)

    def test_appenders_of_both_kinds_lose_nothing(self):
        maker = self.fd(self.mnt / "log", NEW | os.O_APPEND)
        later = self.fd(self.mnt / "log", os.O_WRONLY | os.O_APPEND)

        def append(fd, name):
            for number in range(1500):
                os.writev(fd, [f"{name} ".encode(), f"{number}\n".encode()])

        threads = [threading.Thread(target=append, args=one) for one in ((maker, "maker"), (later, "later"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = read(self.mnt / "log").decode().splitlines()
        for name in ("maker", "later"):
            self.assertEqual([line for line in lines if line.startswith(name)], [f"{name} {n}" for n in range(1500)])
        self.assertEqual(len(lines), 3000)

    def test_bytes_from_a_pipe_a_file_itself_and_another_file(self):
        data = os.urandom(3 * PAGE + 77)
        write(self.path("source"), data)
        with open(self.path("source"), "rb") as source:
            fd = self.fd(self.mnt / "sent", NEW)
            self.assertEqual(os.sendfile(fd, source.fileno(), 0, len(data)), len(data))
            self.assertEqual(read(self.mnt / "sent"), data)
            fd = self.fd(self.mnt / "copied", NEW)
            inside = self.fd(self.mnt / "sent")
            self.assertEqual(os.copy_file_range(inside, fd, len(data), 0, 0), len(data))
            self.assertEqual(read(self.mnt / "copied"), data)
            fd = self.fd(self.mnt / "gathered", NEW)
            os.writev(fd, [data[:5], b"", data[5:PAGE + 9], data[PAGE + 9:]])
            self.assertEqual(read(self.mnt / "gathered"), data)
        fd = self.fd(self.mnt / "spliced", NEW)
        out, into = os.pipe()
        os.write(into, data[:PAGE])
        self.assertEqual(os.splice(out, fd, PAGE), PAGE)
        os.close(out)
        os.close(into)
        self.assertEqual(read(self.mnt / "spliced"), data[:PAGE])
        fd = self.fd(self.mnt / "doubled", NEW)
        os.write(fd, data)
        with open(self.mnt / "doubled", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapping:
            os.write(fd, mapping)  # from the page cache of the file that it is written to
        self.assertEqual(read(self.mnt / "doubled"), data + data)

    def test_o_sync_and_fsync_reach_the_disk(self):
        for options in BOTH:
            mnt = self.mount([self.layer(f"lower-{options}", {})], name=options, options=["io=cached", options])
            for flag, calls in ((os.O_SYNC, ["fsync"]), (os.O_DSYNC, ["fdatasync"]), (0, [])):
                fd = self.fd(mnt / f"new-{flag}", NEW | flag)
                os.fsync(fd)  # the first is a full one, whatever is asked for
                with proc.system_calls(mnt.pid, ["fsync", "fdatasync"]) as counted:
                    os.write(fd, b"must be there")
                self.assertEqual([name for name, count in counted.items() if count], calls, f"{options} {flag:o}")

    def test_a_limit_of_length(self):
        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, PAGE))
            fd = os.open(self.mnt / "limited", NEW)
            written = os.write(fd, bytes(3 * PAGE))
            try:
                os.write(fd, b"x")
            except OSError as error:
                return [written, error.errno]
            return [written, 0]

        self.assertEqual(proc.in_child(limited), [PAGE, errno.EFBIG])
        self.assertEqual(os.stat(self.mnt / "limited").st_size, PAGE)

    def test_a_write_of_another_user_takes_set_user_id_away(self):
        for options in BOTH:
            mnt = self.mount([self.layer(f"lower-{options}", {})], name=options, options=[options])
            fd = self.fd(mnt / "program", NEW, 0o755)
            os.write(fd, b"program")
            os.chmod(mnt / "program", 0o6755)
            os.write(fd, b"by root")
            self.assertEqual(stat.S_IMODE(os.stat(mnt / "program").st_mode), 0o6755)
            proc.in_child(lambda fd=fd: os.write(fd, b"by him"), uid=4711, gid=4711)
            self.assertEqual(stat.S_IMODE(os.stat(mnt / "program").st_mode), 0o755, options)

    def test_nobody_becomes_root_by_writing_to_a_set_user_id_file(self):
        for options in BOTH:
            mnt = self.mount([self.layer(f"lower-{options}", {})], name=options, options=[options])
            program = read("/usr/bin/id")
            fd = os.open(mnt / "id", NEW, 0o755)
            os.write(fd, program)
            os.chmod(mnt / "id", 0o4755)
            os.close(fd)
            run = [mnt / "id", "-u"]
            self.assertEqual(proc.run(run, user=4711, group=4711).out, "0\n")
            os.unlink(mnt / "id")
            fd = os.open(mnt / "id", NEW, 0o755)
            os.write(fd, program)
            os.chmod(mnt / "id", 0o4755)
            self.assertEqual(stat.S_IMODE(os.stat(mnt / "id").st_mode), 0o4755)  # the kernel knows it now
            proc.in_child(lambda fd=fd, program=program: os.pwrite(fd, program, 0), uid=4711, gid=4711)
            os.close(fd)
            self.assertEqual(proc.run(run, user=4711, group=4711).out, "4711\n", options)
            for change in (lambda fd, program=program: os.pwrite(fd, program, 0),
                           lambda fd: os.posix_fallocate(fd, 0, 10)):
                fd = os.open(mnt / "id", os.O_WRONLY)
                os.chmod(mnt / "id", 0o4755)
                proc.in_child(lambda change=change, fd=fd: change(fd), uid=4711, gid=4711)
                os.close(fd)
                self.assertEqual(proc.run(run, user=4711, group=4711).out, "4711\n", options)

    def test_an_open_that_fails_leaves_no_name_that_nobody_sees(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        mnt = self.mount([self.layer("lower-few", {})], name="few", options=["io=passthrough"])
        # The last descriptor that it opens for itself.
        self.assertTrue(proc.wait_until(lambda: any("served mount" in path for path in proc.open_paths(mnt.pid))))
        resource.prlimit(mnt.pid, resource.RLIMIT_NOFILE, (3, hard))  # it has more already: no open(2) works
        try:
            with self.assertRaises(OSError):
                os.close(os.open(mnt / "new", NEW))
        finally:
            resource.prlimit(mnt.pid, resource.RLIMIT_NOFILE, (hard, hard))
        fd = self.fd(mnt / "new", os.O_WRONLY | os.O_CREAT)
        os.write(fd, b"text")
        self.assertEqual(read(mnt / "new"), b"text")

    def test_times_and_size_follow_each_write(self):
        fd = self.fd(self.mnt / "new", NEW)
        os.utime(fd, ns=(10**18, 10**18))
        os.write(fd, b"12345")
        after = os.stat(self.mnt / "new")
        self.assertEqual(after.st_size, 5)
        self.assertGreater(after.st_mtime_ns, 10**18)
        os.ftruncate(fd, 2)
        os.write(fd, b"6")
        self.assertEqual(read(self.mnt / "new"), b"12\0\0\x006")

    def test_tools_that_copy(self):
        data = os.urandom(5_000_000)
        write(self.mnt / "from", data)
        for name, command in (("cp", "cp from cp"), ("plain", "cp --reflink=never --sparse=never from plain"),
                              ("dd", "dd if=from of=dd bs=77777 status=none"), ("cat", "cat from > cat"),
                              ("direct", "dd if=from of=direct bs=1M count=4 oflag=direct status=none && "
                                         "dd if=from of=direct bs=1M seek=4 skip=4 status=none"),
                              ("tar", "mkdir t && tar -cf - from | tar -xf - -C t && mv t/from tar"),
                              ("install", "install -m 600 from install"), ("tee", "tee tee < from > /dev/null")):
            subprocess.run(["sh", "-c", command], cwd=self.mnt.path, check=True)
            self.assertEqual(read(self.mnt / name), data, command)
