# SPDX-License-Identifier: Apache-2.0
"""Archives of unusual size and shape, imported and mounted."""

import os
import tarfile

from support import proc, sysio
from support.files import read
from support.images import member, tar
from support.stores import StoreCase


class Archives(StoreCase):
    def test_a_member_beyond_8_gib(self):
        """A sparse member of 9 GiB: sizes beyond what an octal field holds, and no 9 GiB in the store."""
        with open("huge", "wb") as file:
            file.truncate(9 << 30)
            file.seek(5 << 30)
            file.write(b"middle")
        for form in ("gnu", "posix"):
            proc.run(["tar", "-S", f"--format={form}", "-cf", self.path(f"{form}.tar"), "huge"], check=True)
            self.veneer("import", f"{form}.tar", f"huge:{form}",
                        err=r".* in GNU's old form \(tar -S\), .*\n" if form == "gnu" else "")
            point = self.veneer("mount", f"huge:{form}", "-n", form).strip()
            path = os.path.join(point, "huge")
            self.assertEqual(os.stat(path).st_size, 9 << 30)
            self.assertLess(os.stat(path).st_blocks, 2000)
            with open(path, "rb") as file:
                file.seek(5 << 30)
                self.assertEqual(file.read(8), b"middle\0\0")
            with open(path, "r+b") as file:
                file.seek(8 << 30)
                file.write(b"end")
            self.assertLess(os.stat(path).st_blocks, 2000, "holes survive the copy-up")
            self.veneer("umount", form)
        used = proc.run(["du", "-sm", self.store], check=True).out.split()[0]
        self.assertLess(int(used), 100)

    def test_duplicates_missing_parents_and_paths_beyond_path_max(self):
        self.write("t.tar", tar(member("twice", b"first"), member("no/such/parent/file", b"deep"),
                                member("hard", kind=tarfile.LNKTYPE, linkname="twice"), member("twice", b"second"),
                                member("dir", kind=tarfile.DIRTYPE, mode=0o755), member("dir/in", b"in"),
                                member("dir", b"now a file"), member("/".join(["d" * 200] * 30 + ["leaf"]), b"far down")))
        self.veneer("import", "t.tar", "odd", err=r".* a name several times .*\n")
        point = self.veneer("mount", "odd", "-n", "odd").strip()
        self.assertEqual(read(os.path.join(point, "twice")), b"second", "the last one wins")
        self.assertEqual(read(os.path.join(point, "hard")), b"first")
        self.assertEqual(read(os.path.join(point, "dir")), b"now a file")
        self.assertEqual(os.stat(os.path.join(point, "no/such")).st_mode & 0o777, 0o755)
        found = proc.run(["find", point, "-name", "leaf", "-printf", "%s %d\n"], check=True)
        self.assertEqual(found.out, "8 31\n")
        sysio.syncfs(self.fd(point))
