# SPDX-License-Identifier: Apache-2.0
"""SQLite on a database that a lower layer holds: many small page writes after the copy-up, locks, journals, maps."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading

from support.case import MountCase
from support.files import write


def fill(path, rows, rng):
    """A new database with some tables."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE packages (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)")
        connection.execute("CREATE INDEX by_length ON packages (length(data))")
        connection.executemany("INSERT INTO packages (name, data) VALUES (?, ?)",
                               ((f"p{i}", rng.randbytes(rng.randrange(10, 3000))) for i in range(rows)))
    connection.close()


def change(path, rng, count, pragmas=()):
    """Random small transactions."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    for _ in range(count):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(rng.randrange(1, 10)):
            number = rng.randrange(1, 3000)
            kind = rng.random()
            if kind < 0.5:
                connection.execute("UPDATE packages SET data = ? WHERE id = ?",
                                   (rng.randbytes(rng.randrange(10, 4000)), number))
            elif kind < 0.7:
                connection.execute("DELETE FROM packages WHERE id = ?", (number,))
            else:
                connection.execute("INSERT OR REPLACE INTO packages (name, data) VALUES (?, ?)",
                                   (f"p{number}", rng.randbytes(rng.randrange(10, 4000))))
        connection.execute("ROLLBACK" if rng.random() < 0.1 else "COMMIT")
    connection.close()


def insert(path, writer):
    """Thirty rows, each in a transaction of its own."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=100)
    connection.execute("PRAGMA synchronous=OFF")
    for number in range(30):
        connection.execute("INSERT INTO packages (name) VALUES (?)", (f"w{writer}-{number}",))
    connection.close()


def rows(path):
    """All rows, after an integrity check."""
    connection = sqlite3.connect(path)
    try:
        check = connection.execute("PRAGMA integrity_check").fetchall()
        if check != [("ok",)]:
            raise AssertionError(f"PRAGMA integrity_check of {path}: {check[:5]}")
        return connection.execute("SELECT id, name, data FROM packages ORDER BY id").fetchall()
    finally:
        connection.close()


class Sqlite(MountCase):
    def both(self, pragmas):
        """The same changes to a lower database in the mount and to a plain copy of it."""
        seed = self.seed()
        lower = self.layer(f"lower-{len(pragmas)}{''.join(pragmas)}", {"db": {}})
        fill(os.path.join(lower, "db/data.sqlite"), 2500, random.Random(seed))
        plain = self.path("plain.sqlite")
        shutil.copyfile(os.path.join(lower, "db/data.sqlite"), plain)
        mount = self.mount([lower], name="mnt-" + "-".join(pragmas).replace("=", "-"))
        path = mount / "db/data.sqlite"
        reader = sqlite3.connect(path)  # holds the lower file open while it is copied up
        first = reader.execute("SELECT count(*) FROM packages").fetchone()
        self.assertEqual(first, (2500,))
        for part in range(3):
            change(path, random.Random(seed + part), 120, pragmas)
            change(plain, random.Random(seed + part), 120, pragmas)
            self.assertTrue(rows(path) == rows(plain), f"the databases differ, part {part}")
            self.assertEqual(reader.execute("SELECT count(*), sum(length(data)) FROM packages").fetchone(),
                             self.summary(plain), "the reader from before the copy-up sees old pages")
            if part == 0:
                write("/proc/sys/vm/drop_caches", "3")
            if part == 1:
                reader.close()
                mount.remount()
                reader = sqlite3.connect(path)
        reader.close()
        mount.remount()
        self.assertTrue(rows(path) == rows(plain), "after the last remount")

    @staticmethod
    def summary(path):
        connection = sqlite3.connect(path)
        try:
            return connection.execute("SELECT count(*), sum(length(data)) FROM packages").fetchone()
        finally:
            connection.close()

    def test_rollback_journal(self):
        self.both(("synchronous=OFF",))

    def test_write_ahead_log_and_shared_memory(self):
        self.both(("journal_mode=WAL", "synchronous=OFF"))

    def test_memory_mapped(self):
        self.both(("mmap_size=268435456", "synchronous=OFF"))

    def test_full_synchronous(self):
        lower = self.layer("lower", {})
        fill(os.path.join(lower, "data.sqlite"), 100, random.Random(1))
        mount = self.mount([lower])
        change(mount / "data.sqlite", random.Random(2), 15, ("synchronous=FULL",))
        self.assertGreater(len(rows(mount / "data.sqlite")), 0)

    def test_several_writers(self):
        """Locks between processes and threads hold, also across the copy-up."""
        lower = self.layer("lower", {})
        fill(os.path.join(lower, "data.sqlite"), 10, random.Random(1))
        mount = self.mount([lower])

        path = str(mount / "data.sqlite")
        # A process of its own and not a fork: a fork beside threads may inherit a lock of SQLite
        # that nobody gives back.
        other = subprocess.Popen(
            [sys.executable, "-c", "import sys, test_sqlite; test_sqlite.insert(*sys.argv[1:])", path, "2"],
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
        threads = [threading.Thread(target=insert, args=(path, i)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(other.wait(timeout=150), 0)
        self.assertEqual(len(rows(mount / "data.sqlite")), 10 + 3 * 30)
