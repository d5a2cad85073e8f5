# SPDX-License-Identifier: Apache-2.0
"""Bad input to veneerfs: one clear line on standard error, exit code 1, nothing mounted, nothing changed."""

import errno
import os
import stat

from support import mounts, proc, sysio, tree
from support.callers import CallerCase
from support.files import names, read, write


class BadInput(CallerCase):
    def refused(self, *arguments, say, **more):
        """It fails with one line that matches `say`; nothing is mounted and no daemon is left."""
        before = tree.snapshot(self.dir)
        done = proc.run([mounts.VENEERFS, *arguments], timeout=30, **more)
        self.assertEqual(done.code, 1, done)
        self.assertEqual(done.out, "", done)
        lines = done.err.splitlines()
        self.assertEqual(len(lines), 1, f"one line, but: {done}")
        self.assertRegex(lines[0], say)
        self.assertTrue(lines[0].startswith("veneerfs: "), lines[0])
        self.assertFalse([p for p, _, _ in mounts.mount_info() if p.startswith(self.dir)])
        self.assert_daemons_end()
        after = tree.snapshot(self.dir)
        self.assert_tree(before, after, ignore=("mtime",), why="something was changed")

    def test_usage(self):
        self.refused(say="mount point")
        self.refused("mnt", say="lowerdir")
        self.refused("-o", "lowerdir=a", say="mount point")
        self.refused("-o", "upperdir=upper,workdir=work", "mnt", say="lowerdir")
        self.refused("-o", "lowerdir=a,upperdir=upper", "mnt", say="workdir")
        self.refused("-o", "lowerdir=", "mnt", say="lowerdir")
        self.refused("-o", "lowerdir=a::b", "mnt", say="lowerdir")
        self.refused("-o", say="-o")
        self.refused("-o", "lowerdir=a,uidmapping=nonsense", "mnt", say="uidmapping|nonsense")
        self.refused("-o", "lowerdir=a,uidmapping=0:1", "mnt", say="uidmapping|0:1")
        self.refused("-o", "lowerdir=a,squash_to_uid=x", "mnt", say="squash_to_uid")
        self.refused("-o", "lowerdir=a,timeout=soon", "mnt", say="timeout")
        self.refused("-o", "lowerdir=a,redirect_dir=perhaps", "mnt", say="redirect_dir")

    def test_a_missing_layer(self):
        self.refused("-o", "lowerdir=a:missing:b", "mnt", say="missing.*[Nn]o such file")
        self.refused("-o", "lowerdir=a/from-a", "mnt", say="from-a.*(not a directory|Not a directory)")
        self.refused("-o", "lowerdir=a,upperdir=missing,workdir=work", "mnt", say="missing")
        self.refused("-o", "lowerdir=a,upperdir=upper,workdir=missing", "mnt", say="missing")
        self.refused("-o", "lowerdir=a,upperdir=a/from-a,workdir=work", "mnt", say="from-a")
        self.refused("-o", "lowerdir=a", "missing", say="missing")
        self.refused("-o", "lowerdir=a", "a/from-a", say="from-a")
        os.symlink("loop", "loop")
        self.refused("-o", "lowerdir=loop", "mnt", say="loop")

    def test_an_unreadable_layer(self):
        os.chmod("b", 0o000)
        os.chown(self.dir, 4711, 4711)
        os.chown("mnt", 4711, 4711)
        say = "b.*[Pp]ermission denied"
        done = proc.run(self.as_user([mounts.VENEERFS, "-o", "lowerdir=a:b", "mnt"], 4711))
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.err, rf"\Aveneerfs: [^\n]*{say}[^\n]*\n\Z")
        self.assertFalse(mounts.is_mounted("mnt"))

    def test_a_work_directory_elsewhere(self):
        os.mkdir("tmpfs")
        sysio.mount("none", "tmpfs", "tmpfs")
        os.mkdir("tmpfs/work")
        self.refused_beside("-o", "lowerdir=a,upperdir=upper,workdir=tmpfs/work", "mnt",
                            say="(same|other|not on the) file system")
        sysio.umount2("tmpfs")

    def refused_beside(self, *arguments, say):
        """As refused(), where the case itself has something mounted."""
        done = proc.run([mounts.VENEERFS, *arguments], timeout=30)
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.err, rf"\Aveneerfs: [^\n]*{say}[^\n]*\n\Z", done)

    def test_a_work_directory_that_is_not_empty(self):
        write("work/precious", "do not delete")
        self.refused("-o", "lowerdir=a,upperdir=upper,workdir=work", "mnt", say="precious|not empty")
        self.assertEqual(read("work/precious"), b"do not delete")

    def test_what_a_crash_left_in_the_work_directory_is_emptied(self):
        os.makedirs("work/work/#7/deep/er")
        write("work/work/#3", "left")
        self.call("-o", "lowerdir=a,upperdir=upper,workdir=work", "mnt")
        self.check(layers="a")
        self.assertEqual([n for n in os.listdir("work/work") if n in ("#7", "#3")], [])

    def test_an_upper_in_use(self):
        self.call("-o", "lowerdir=a,upperdir=upper,workdir=work", "mnt")
        pid = self.daemons()[0]
        for name in ("mnt2", "work2", "upper2"):
            os.mkdir(name)
        self.refused_beside("-o", "lowerdir=a,upperdir=upper,workdir=work2", "mnt2", say=f"in use.*{pid}")
        self.refused_beside("-o", "lowerdir=a,upperdir=upper2,workdir=work", "mnt2", say=f"in use.*{pid}")
        self.check(layers="a")
        mounts.unmount("mnt")
        self.call("-o", "lowerdir=a,upperdir=upper,workdir=work2", "mnt2")

    def test_lower_layers_may_be_shared(self):
        os.mkdir("mnt2")
        self.call("-o", "lowerdir=a,upperdir=upper,workdir=work", "mnt")
        self.call("-o", "lowerdir=a", "mnt2")
        write("mnt/from-a", "mine")
        self.assertEqual(read("mnt2/from-a"), b"a")

    def test_a_mount_point_inside_a_layer(self):
        for mount_point in ("a/d", "upper/inside", "work/inside", "a", "upper"):
            if mount_point.endswith("inside"):
                os.makedirs(mount_point, exist_ok=True)
        self.refused("-o", "lowerdir=a", "a/d", say="inside|same|hang")
        self.refused("-o", "lowerdir=a", "a", say="inside|same|hang")
        self.refused("-o", "lowerdir=b:a,upperdir=upper,workdir=work", "upper/inside", say="inside|hang")
        os.rmdir("upper/inside")
        os.rmdir("work/inside")
        self.refused("-o", "lowerdir=b:a,upperdir=upper,workdir=work", "upper", say="inside|same|hang")
        self.refused("-o", "lowerdir=b:a,upperdir=upper,workdir=work", "work", say="inside|same|hang")
        os.symlink("a/d", "alias")
        self.refused("-o", "lowerdir=a", "alias", say="inside|same|hang")

    def test_a_layer_inside_the_mount_point(self):
        self.refused("-o", "lowerdir=a:b", ".", say="inside|same|hang")
        os.makedirs("outer/lower")
        self.refused("-o", "lowerdir=outer/lower", "outer", say="inside|same|hang")
        os.makedirs("outer/bound")
        sysio.mount("a", "outer/bound", None, sysio.MS_BIND)
        self.refused_beside("-o", "lowerdir=outer/bound", "outer", say="inside|same|hang")
        sysio.umount2("outer/bound")

    def test_an_upper_inside_a_layer(self):
        for upper, work in (("a/d", "work"), ("upper", "a/d"), ("a", "work"), ("upper", "upper"),
                            ("upper", "a")):
            self.refused("-o", f"lowerdir=a,upperdir={upper},workdir={work}", "mnt",
                         say="inside|same|separate|contain|change")
        os.mkdir("upper/work")
        self.refused("-o", "lowerdir=a,upperdir=upper,workdir=upper/work", "mnt", say="inside|contain|separate")

    def test_a_dead_mount(self):
        self.call("-o", "lowerdir=a", "mnt")
        pid = self.daemons()[0]
        os.kill(pid, 9)
        self.assert_daemons_end()
        with self.errno((errno.ENOTCONN, errno.ECONNABORTED)):
            os.listdir("mnt")
        self.refused_beside("-o", "lowerdir=a", "mnt", say="dead|not connected|umount")
        sysio.umount2("mnt", sysio.MNT_DETACH)
        self.call("-o", "lowerdir=a", "mnt")

    def test_a_damaged_index(self):
        os.mkdir("objects")
        for name, data in (("empty", b""), ("text", b"not an index\n" * 1000), ("zeros", bytes(65536))):
            write(name, data)
            self.refused("-o", f"lowerdir={name},objects=objects", "mnt", say=f"{name}.*")
        self.refused("-o", "lowerdir=text", "mnt", say="text.*(objects|not a directory|Not a directory)")

    def test_no_fuse_device(self):
        """In a mount namespace where /dev/fuse is no device."""
        script = f"mount --bind /dev/null /dev/fuse && {mounts.VENEERFS} -o lowerdir=a mnt"
        done = proc.run(["unshare", "-m", "sh", "-c", script])
        self.assertEqual(done.code, 1, done)
        self.assertEqual(len(done.err.splitlines()), 1, done)
        self.assertRegex(done.err, r"\Aveneerfs: .*(fuse|mount)")

    def test_a_full_upper(self):
        """ENOSPC reaches the caller as it is, what was there stays, and with space it goes on."""
        os.mkdir("small")
        sysio.mount("none", "small", "tmpfs", 0, "size=4m,nr_inodes=200")
        self.addCleanup(sysio.umount2, self.path("small"), sysio.MNT_DETACH)
        os.mkdir("small/upper")
        os.mkdir("small/work")
        write("a/big", os.urandom(6 << 20))
        expected = read("a/big")
        self.call("-o", "lowerdir=a,upperdir=small/upper,workdir=small/work", "mnt")
        with self.errno(errno.ENOSPC, "copy-up of more than there is room for"):
            fd = os.open("mnt/big", os.O_RDWR)
            try:
                os.pwrite(fd, b"x", 0)
            finally:
                os.close(fd)
        self.assertTrue(read("mnt/big") == expected, "the file must be as before")
        self.assertLess(os.stat("small/upper").st_blocks, 100)
        with self.errno(errno.ENOSPC):
            write("mnt/new", bytes(8 << 20))
        os.unlink("mnt/new")
        with self.errno(errno.ENOSPC):
            for index in range(400):
                os.mkdir(f"mnt/dir{index}")
        made = [name for name in names("mnt") if name.startswith("dir")]
        self.assertGreater(len(made), 50)
        for name in made:
            os.rmdir(f"mnt/{name}")
        write("mnt/from-a", "fits")
        os.truncate("mnt/big", 1000)
        self.assertTrue(read("mnt/big") == expected[:1000])
        mounts.unmount("mnt")
        self.assertTrue(stat.S_ISREG(os.lstat("small/upper/big").st_mode))
        self.call("-o", "lowerdir=a,upperdir=small/upper,workdir=small/work", "mnt")
        self.assertTrue(read("mnt/big") == expected[:1000])
        mounts.unmount("mnt")
        self.assert_daemons_end()
