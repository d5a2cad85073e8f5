# SPDX-License-Identifier: Apache-2.0
"""veneerfs as the programs of the field call it: their command lines word by word, and what they rely on."""

import errno
import fcntl
import os
import signal
import stat
import subprocess
import threading
import time

from support import mounts, proc, sysio
from support.callers import CallerCase
from support.files import names, read, write

FUSE_SUPER_MAGIC = 0x65735546


class Podman(CallerCase):
    """containers/storage, drivers/overlay: PROG -o DATA TARGET, in the overlay directory; it reads the pipe to the end."""

    def prepare(self):
        os.makedirs("overlay/l")
        for name in "abc":
            os.rename(name, f"overlay/{name}")
            os.mkdir(f"overlay/{name}-base")
            os.rename(f"overlay/{name}", f"overlay/{name}-base/diff")
            os.symlink(f"../{name}-base/diff", f"overlay/l/{name.upper() * 26}")
        os.makedirs("overlay/id/diff")
        os.makedirs("overlay/id/work")
        os.makedirs("overlay/id/merged")
        os.chdir("overlay")
        return ":".join(f"l/{name * 26}" for name in "CBA")

    def test_read_write(self):
        lowers = self.prepare()
        self.call("-o", f"lowerdir={lowers},upperdir=id/diff,workdir=id/work", "id/merged")
        self.check("id/merged")
        self.assertEqual(read("id/diff/new"), b"new")
        status = proc.run(["stat", "-f", "-c", "%t", "id/merged"], check=True).out.strip()
        self.assertEqual(int(status, 16), FUSE_SUPER_MAGIC)

    def test_absolute_paths(self):
        lowers = ":".join(os.path.join(self.dir, "overlay", word) for word in self.prepare().split(":"))
        base = os.path.join(self.dir, "overlay/id")
        self.call("-o", f"lowerdir={lowers},upperdir={base}/diff,workdir={base}/work", f"{base}/merged")
        self.check("id/merged")

    def test_read_only(self):
        lowers = self.prepare()
        self.call("-o", f"lowerdir=id/diff:{lowers}", "id/merged")
        self.check("id/merged", writable=False)
        self.assertIn("ro", mounts.flags("id/merged"))

    def test_volatile_and_leftovers_of_mountopt(self):
        lowers = self.prepare()
        self.call("-o", f"lowerdir={lowers},upperdir=id/diff,workdir=id/work,volatile,fsync=0,noxattrs=1,"
                  "nodev,threaded=0,fast_ino=1,writeback=0,plugins=,static_nlink,ino32_t,xino=off",
                  "id/merged", err="(veneerfs: .*ignored.*\n)*")
        self.check("id/merged")
        self.assertIn("nodev", mounts.information("id/merged")[1])

    def test_quoted_context_with_a_comma(self):
        lowers = self.prepare()
        self.call("-o", f"lowerdir={lowers},upperdir=id/diff,workdir=id/work,"
                  'context="system_u:object_r:container_file_t:s0:c1,c2"', "id/merged",
                  err="(veneerfs: .*\n)*")
        self.check("id/merged")

    def test_id_maps_with_an_empty_first_field(self):
        lowers = self.prepare()
        os.chown("a-base/diff/from-a", 0, 0)
        os.chown("b-base/diff/from-b", 5, 7)
        self.call("-o", f"lowerdir={lowers},upperdir=id/diff,workdir=id/work,"
                  "uidmapping=:0:1000:1:1:100000:65536,gidmapping=:0:1000:1:1:100000:65536", "id/merged")
        root, five = os.stat("id/merged/from-a"), os.stat("id/merged/from-b")
        self.assertEqual((root.st_uid, root.st_gid), (1000, 1000))
        self.assertEqual((five.st_uid, five.st_gid), (100004, 100006))
        os.chown("id/merged/from-a", 100009, 1000)
        status = os.stat("id/diff/from-a")
        self.assertEqual((status.st_uid, status.st_gid), (10, 0), "on disk it is the kept id")
        proc.in_child(lambda: write("id/merged/from-a", "x"), uid=100009, gid=100009)
        with self.errno((errno.EINVAL, errno.EOVERFLOW, errno.EPERM), "an id outside the map"):
            os.chown("id/merged/from-b", 50, 50)

    def test_maps_that_are_not_contiguous(self):
        lowers = self.prepare()
        for uid, name in ((0, "x"), (1, "y"), (1000, "z")):
            write(f"a-base/diff/{name}", name)
            os.chown(f"a-base/diff/{name}", uid, uid)
        mapping = "0:1:1:1:2000:999:1000:0:1:1001:5000:10"
        self.call("-o", f"lowerdir={lowers},uidmapping={mapping},gidmapping={mapping}", "id/merged")
        self.assertEqual([os.stat(f"id/merged/{name}").st_uid for name in "xyz"], [1, 2000, 0])

    def test_squash(self):
        lowers = self.prepare()
        os.chown("a-base/diff/from-a", 5, 6)
        for option, expected in (("squash_to_uid=77", (77, 6)), ("squash_to_gid=88", (5, 88)),
                                 ("squash_to_root", (0, 0))):
            self.call("-o", f"lowerdir={lowers},{option}", "id/merged")
            status = os.stat("id/merged/from-a")
            self.assertEqual((status.st_uid, status.st_gid), expected, option)
            mounts.unmount("id/merged")

    def test_xattr_permissions(self):
        lowers = self.prepare()
        self.call("-o", f"lowerdir={lowers},upperdir=id/diff,workdir=id/work,xattr_permissions=2",
                  "id/merged")
        self.check("id/merged")
        os.chown("id/merged/new", 5, 6)
        self.assertEqual(os.stat("id/merged/new").st_uid, 5)
        self.assertEqual(os.stat("id/diff/new").st_uid, 0)

    def test_buildah_volume(self):
        """buildah -v SRC:DST:O: the ':' of the source is escaped, and there is the unknown word "private"."""
        os.rename("a", "a:with,odd\\name")
        os.makedirs("content/merge")
        for name in ("upper", "work"):
            os.mkdir(f"content/{name}")
        source = os.path.join(self.dir, "a:with,odd\\name").replace("\\", "\\\\").replace(":", "\\:")
        source = source.replace(",", "\\,")
        self.call("-o", f"lowerdir={source},upperdir=content/upper,workdir=content/work,private",
                  "content/merge", err="(veneerfs: [^\n]*private[^\n]*\n)?")
        self.check("content/merge", layers="a")
        mounts.unmount("content/merge")
        self.call("-o", f"lowerdir={source}:b,private", "content/merge",
                  err="(veneerfs: [^\n]*private[^\n]*\n)?")
        self.check("content/merge", layers="ab", writable=False)

    def test_a_lower_path_with_dots_and_symlinks(self):
        self.prepare()
        self.call("-o", f"lowerdir=l/{'C' * 26}/../diff:./l/../b-base/diff/.:a-base//diff/", "id/merged")
        self.check("id/merged", writable=False)

    def test_the_pipes_are_closed_once_it_is_mounted(self):
        """The caller reads standard error until its end; a daemon that kept it open would hang it."""
        child = subprocess.Popen([mounts.VENEERFS, "-o", "lowerdir=c:b:a", "mnt"], cwd=self.dir,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        watchdog = threading.Timer(20, child.kill)
        watchdog.start()
        self.assertEqual(child.stderr.read(), b"")
        self.assertEqual(child.stdout.read(), b"")
        self.assertEqual(child.wait(), 0)
        watchdog.cancel()
        self.assertTrue(mounts.is_mounted("mnt"), "it exits when the mount answers, not before")
        self.check(writable=False)
        for stream in (child.stdin, child.stdout, child.stderr):
            stream.close()
        pid = self.daemons()[0]
        self.assertEqual(os.stat(f"/proc/{pid}/cwd").st_ino, os.stat("/").st_ino,
                         "it must not hold the caller's directory")
        targets = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)}
        self.assertEqual(targets, {"/dev/null"})

    def test_fusermount_and_detached_unmounts(self):
        for unmount in (lambda: proc.run(["fusermount3", "-u", "mnt"], check=True),
                        lambda: proc.run(["umount", "mnt"], check=True),
                        self.sync_and_detach):
            self.call("-o", "lowerdir=c:b:a,upperdir=upper,workdir=work", "mnt")
            write("mnt/file", "written before")
            unmount()
            self.assert_daemons_end()
            self.assertEqual(read("upper/file"), b"written before")

    def sync_and_detach(self):
        fd = os.open("mnt", os.O_RDONLY)
        sysio.syncfs(fd)
        os.close(fd)
        sysio.umount2("mnt", sysio.MNT_DETACH)


class Apptainer(CallerCase):
    """PROG -f -o ... TARGET: in the foreground, seen in mountinfo within 2 s, gone within 1 s after the unmount."""

    def test_foreground(self):
        child = subprocess.Popen([mounts.VENEERFS, "-f", "-o",
                                  f"lowerdir={self.dir}/c:{self.dir}/b:{self.dir}/a,upperdir={self.dir}/upper,"
                                  f"workdir={self.dir}/work,noacl", self.path("mnt")],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(child.stderr.close)
        self.assertTrue(proc.wait_until(lambda: mounts.is_mounted(self.path("mnt")), 2), "in 2 s")
        self.check()
        begin = time.monotonic()
        mounts.unmount(self.path("mnt"))
        self.assertEqual(child.wait(timeout=5), 0)
        self.assertLess(time.monotonic() - begin, 1)
        self.assertEqual(child.stderr.read(), b"")

    def test_a_signal_ends_it_and_unmounts(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            child = subprocess.Popen([mounts.VENEERFS, "-f", "-o",
                                      "lowerdir=c:b:a,upperdir=upper,workdir=work", "mnt"])
            self.assertTrue(proc.wait_until(lambda: mounts.is_mounted("mnt"), 5))
            write("mnt/kept", "kept")
            child.send_signal(number)
            self.assertEqual(child.wait(timeout=5), 0)
            self.assertFalse(mounts.is_mounted("mnt"))
            self.assertEqual(read("upper/kept"), b"kept")

    def test_in_a_user_namespace(self):
        """As apptainer does without setuid: root of a user namespace, its own mount namespace."""
        script = f"""
            set -e
            {mounts.VENEERFS} -o lowerdir=c:b:a,upperdir=upper,workdir=work mnt
            test "$(cat mnt/same)" = c
            echo new > mnt/new; chmod 600 mnt/from-a; mv mnt/d mnt/e; rm mnt/from-b; mkdir mnt/d
            ls mnt mnt/d mnt/e; umount mnt
            {mounts.VENEERFS} -o lowerdir=c:b:a,upperdir=upper,workdir=work mnt
            ls mnt mnt/d mnt/e
            umount mnt"""
        os.chown(self.dir, 4711, 4711)
        proc.run(["chown", "-R", "4711:4711", *os.listdir(".")], check=True)
        done = proc.run(self.as_user(["unshare", "-Urm", "sh", "-c", script], 4711))
        listing = "mnt:\nd\ne\nfrom-a\nfrom-c\nnew\nsame\n\nmnt/d:\n\nmnt/e:\na\nb\nc\n"
        self.assertEqual((done.code, done.out, done.err), (0, listing * 2, ""), done)


class MountedByTheCaller(CallerCase):
    """The caller mounts, and passes the connection on as /dev/fd/N."""

    def serve(self, device, source):
        return subprocess.Popen([mounts.VENEERFS, "-f", "-o", f"lowerdir=c:b:a,upperdir=upper,workdir=work,fsname={source}",
                                 f"/dev/fd/{device}"], pass_fds=(device,), stderr=subprocess.PIPE, text=True)

    @staticmethod
    def attach(device, source):
        sysio.mount(source, "mnt", "fuse.veneerfs", 0, f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other")

    @staticmethod
    def map():
        """Changes a file through a mapping, which is given."""
        import mmap  # only here
        write("mnt/file", "x" * 4096)
        fd = os.open("mnt/file", os.O_RDWR)
        mapping = mmap.mmap(fd, 4096)
        os.close(fd)
        mapping[:4] = b"kept"
        return mapping

    def end(self, daemon):
        """Tells the daemon to end; its log."""
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(timeout=20), 0)
        with daemon.stderr:
            return daemon.stderr.read()

    def test_a_signal_loses_no_mapping(self):
        device = self.fd("/dev/fuse", os.O_RDWR)
        self.attach(device, "here")
        daemon = self.serve(device, "here")
        self.close_all()
        with self.map():
            self.assertEqual(self.end(daemon), "")
        self.assertEqual(read("upper/file")[:4], b"kept")

    def test_nor_one_in_another_mount_namespace(self):
        device = self.fd("/dev/fuse", os.O_RDWR)
        (mounted, say_mounted), (served, say_served) = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            try:
                sysio.unshare(sysio.CLONE_NEWNS)
                self.attach(device, "elsewhere")
                os.close(device)  # else the connection would outlive its daemon
                os.write(say_mounted, b"1")
                os.read(served, 1)
                mapping = self.map()
                os.write(say_mounted, b"2")
                signal.pause()
                mapping.close()
            finally:
                os._exit(1)
        self.assertEqual(os.read(mounted, 1), b"1")
        daemon = self.serve(device, "elsewhere")
        self.close_all()
        os.write(say_served, b"1")
        self.assertEqual(os.read(mounted, 1), b"2")
        self.assertFalse(mounts.is_mounted("mnt"))
        self.assertEqual(self.end(daemon), "")
        self.assertEqual(read("upper/file")[:4], b"kept")
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for fd in (mounted, say_mounted, served, say_served):
            os.close(fd)

    def test_a_mount_that_cannot_be_found_is_logged(self):
        device = self.fd("/dev/fuse", os.O_RDWR)
        self.attach(device, "gone")
        daemon = self.serve(device, "gone")
        self.close_all()
        with self.map():
            sysio.umount2("mnt", sysio.MNT_DETACH)
            self.assertRegex(self.end(daemon), r"mapping.*gone")


class Containerd(CallerCase):
    """The fuse-overlayfs snapshotter mounts through mount.fuse3 with a source word before the mount point."""

    def test_source_word(self):
        self.call("overlay", self.path("mnt"), "-o",
                  f"workdir={self.dir}/work,upperdir={self.dir}/upper,"
                  f"lowerdir={self.dir}/c:{self.dir}/b:{self.dir}/a,writeback=0",
                  err="(veneerfs: [^\n]*writeback[^\n]*\n)?")
        self.check()
        self.assertIn(" overlay ", mounts.information("mnt")[1].split(" - ")[1])

    def test_mount_fuse3(self):
        if not os.path.exists("/sbin/mount.fuse3"):
            self.skipTest("there is no mount.fuse3 on this machine")
        os.symlink(mounts.VENEERFS, self.path("veneerfs"))
        environment = {**os.environ, "PATH": f"{self.dir}:{os.environ['PATH']}"}
        done = proc.run(["/sbin/mount.fuse3", "overlay", self.path("mnt"), "-t", "veneerfs", "-o",
                         f"workdir={self.dir}/work,upperdir={self.dir}/upper,lowerdir={self.dir}/a"],
                        env=environment)
        self.assertEqual((done.code, done.err), (0, ""), done)
        self.check(layers="a")


class Options(CallerCase):
    def test_several_o_and_attached_values(self):
        self.call("-olowerdir=c:b", "-o", "upperdir=upper,", "-o", ",workdir=work", "mnt")
        self.check(layers="cb")

    def test_unknown_options_warn_and_are_ignored(self):
        done = self.call("-o", "lowerdir=c:b:a,nosuchoption,other=1", "mnt", err="(.*\n)*")
        lines = done.err.splitlines()
        self.assertEqual(len(lines), 2, done)
        self.assertRegex(lines[0], "nosuchoption")
        self.assertRegex(lines[1], "other")
        self.check(writable=False)

    def test_help_and_version(self):
        for option in ("--help", "-h"):
            done = self.call(option)
            for word in ("lowerdir", "upperdir", "workdir", "volatile", "redirect_dir", "metacopy"):
                self.assertIn(word, done.out)
        for option in ("--version", "-V"):
            self.assertRegex(self.call(option).out, r"veneerfs \d+\.\d+")

    def test_ro_and_flags(self):
        self.call("-o", "lowerdir=c:b:a,upperdir=upper,workdir=work,ro,nosuid,nodev,noexec", "mnt")
        flags = mounts.flags("mnt")
        for flag in ("ro", "nosuid", "nodev", "noexec"):
            self.assertIn(flag, flags)
        self.check(writable=False)
        self.assertEqual(os.listdir("upper"), [])

    def test_every_word_for_times_of_access_mounts(self):
        """Also those that libfuse does not know."""
        for word in ("atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime"):
            self.call("-o", f"lowerdir=c:b:a,{word}", "mnt")
            mounts.unmount("mnt")

    def test_noxattrs(self):
        os.setxattr("c/same", "user.kept", b"1")
        self.call("-o", "lowerdir=c:b:a,upperdir=upper,workdir=work,noxattrs=1", "mnt")
        for call in (lambda: os.getxattr("mnt/same", "user.kept"), lambda: os.listxattr("mnt/same"),
                     lambda: os.setxattr("mnt/same", "user.new", b"1"), lambda: os.removexattr("mnt/same", "user.kept"),
                     lambda: os.setxattr("mnt/d", "system.posix_acl_default", b"\2\0\0\0")):
            for _ in range(2):  # asked of the daemon once, answered by the kernel from then on
                with self.errno(errno.EOPNOTSUPP):
                    call()
        self.check()
        mounts.unmount("mnt")
        self.call("-o", "lowerdir=c:b:a,noxattrs=0", "mnt")
        self.assertEqual(os.getxattr("mnt/same", "user.kept"), b"1")

    def test_defaults_of_root(self):
        os.chmod("a/from-a", 0o4755)
        self.call("-o", "lowerdir=c:b:a", "mnt")
        flags = mounts.flags("mnt")
        self.assertNotIn("nosuid", flags)
        self.assertIn("allow_other", mounts.information("mnt")[1])
        self.assertIn("default_permissions", mounts.information("mnt")[1])
        self.assertEqual(mounts.information("mnt")[0], "fuse.veneerfs")

    def test_timeout_zero_works(self):
        self.call("-o", "lowerdir=c:b:a,upperdir=upper,workdir=work,timeout=0", "mnt")
        self.check()

    def test_escapes_in_every_path(self):
        odd = "o:d,d\\ \"näme'\n"
        for name in ("a", "b", "upper", "work"):
            os.rename(name, name + odd)
        def path(name):
            return mounts.escape(os.path.join(self.dir, name + odd))
        self.call("-o", f"lowerdir={path('b')}:{path('a')},upperdir={path('upper')},"
                  f"workdir={path('work')}", "mnt")
        self.check(layers="ba")
        mounts.unmount("mnt")
        os.mkdir("mnt" + odd)
        self.call("-o", "lowerdir=c", "mnt" + odd)
        self.check("mnt" + odd, layers="c", writable=False)

    def test_quoted_values(self):
        os.rename("a", "a,comma")
        self.call("-o", 'lowerdir="c:b:a,comma",upperdir=upper,workdir=work', "mnt")
        self.check()

    def test_500_layers(self):
        lowers = []
        for index in range(500):
            path = self.layer(f"layers-in-a-directory-with-a-long-name-{index:04}",
                              {f"f{index}": str(index), "same": str(index), "d": {f"d{index}": ""}})
            lowers.append(path)
        begin = time.monotonic()
        self.call("-o", f"lowerdir={':'.join(lowers)},upperdir=upper,workdir=work", "mnt")
        self.assertEqual(read("mnt/same"), b"0")
        self.assertEqual(len(names("mnt")), 502)
        self.assertEqual(len(names("mnt/d")), 500)
        self.assertLess(time.monotonic() - begin, 20)
        write("mnt/f499", "changed")
        os.rename("mnt/d", "mnt/e")
        self.assertEqual(len(names("mnt/e")), 500)
        pid = self.daemons()[0]
        self.assertLess(len(os.listdir(f"/proc/{pid}/fd")), 4096)

    def test_few_descriptors(self):
        """A hard limit of 256 open files must do, with many directories and files in use."""
        tree = {f"d{i}": {f"s{j}": {"f": "f"} for j in range(20)} for i in range(30)}
        self.layer("wide", tree)
        import resource  # only here
        self.call("-o", "lowerdir=wide,upperdir=upper,workdir=work", "mnt",
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
        held = []
        for index in range(600):
            path = f"mnt/d{index % 30}/s{index // 30}/f"
            held.append(self.fd(path, os.O_RDWR))
            os.pwrite(held[-1], b"x", 0)
        for index in range(0, 600, 12):
            os.unlink(f"mnt/d{index % 30}/s{index // 30}/f")
        for fd in held:
            self.assertEqual(os.pread(fd, 1, 0), b"x")
        self.close_all()

    def test_a_remount_at_once(self):
        """umount returns before the daemon is gone; the next mount waits for it."""
        for index in range(10):
            self.call("-o", "lowerdir=c:b:a,upperdir=upper,workdir=work", "mnt")
            write("mnt/counter", str(index))
            mounts.unmount("mnt")
        self.assertEqual(read("upper/counter"), b"9")

    def syncs(self, option):
        """How often the daemon waits for the disk: while a lower file is copied up and written, and while it is fsynced."""
        write("a/synced", b"y" * 1000)
        self.call("-o", f"lowerdir=c:b:a,upperdir=upper,workdir=work{option}", "mnt")
        (daemon,) = self.daemons()
        names = ("fsync", "fdatasync", "syncfs")
        fd = os.open("mnt/synced", os.O_RDWR)
        with proc.system_calls(daemon, names) as copying:
            os.write(fd, b"x")
        with proc.system_calls(daemon, names) as syncing:
            os.fsync(fd)
        os.close(fd)
        mounts.unmount("mnt")
        self.assert_daemons_end()
        self.assertEqual(read("upper/synced"), b"x" + b"y" * 999)
        os.unlink("upper/synced")
        return sum(copying.values()), sum(syncing.values())

    def test_fsync_off_and_volatile(self):
        self.assertEqual(self.syncs(""), (1, 1))
        for off in (",fsync=0", ",fsync=off"):
            self.assertEqual(self.syncs(off), (1, 0), "what a copy-up replaces is durable all the same")
        self.assertEqual(self.syncs(",volatile"), (0, 0))

    def test_metacopy_off(self):
        self.call("-o", "lowerdir=c:b:a,upperdir=upper,workdir=work,metacopy=off", "mnt")
        os.chmod("mnt/from-a", 0o600)
        self.assertEqual(read("upper/from-a"), b"a")
        self.assertNotIn("trusted.overlay.metacopy", os.listxattr("upper/from-a"))

    def test_metadata_only_copies_by_default(self):
        write("a/big", b"x" * 1_000_000)
        self.call("-o", "lowerdir=c:b:a,upperdir=upper,workdir=work", "mnt")
        os.chmod("mnt/big", 0o600)
        os.rename("mnt/big", "mnt/renamed")
        self.assertLess(os.stat("upper/renamed").st_blocks, 100, "chmod and rename copy no contents")
        os.unlink("mnt/from-a")
        self.assertTrue(stat.S_ISCHR(os.lstat("upper/from-a").st_mode))
        self.assertEqual(read("mnt/renamed"), b"x" * 1_000_000)
        os.truncate("mnt/renamed", 10)
        self.assertLess(os.stat("upper/renamed").st_blocks, 100, "truncate copies what stays")

    def test_statfs_is_that_of_the_upper(self):
        self.call("-o", "lowerdir=c:b:a,upperdir=upper,workdir=work", "mnt")
        mine, disk = os.statvfs("mnt"), os.statvfs("upper")
        self.assertEqual((mine.f_blocks, mine.f_frsize, mine.f_namemax), (disk.f_blocks, disk.f_frsize, 255))
        self.assertGreater(mine.f_bavail, 0)
        self.assertEqual(proc.run(["df", "mnt"]).code, 0)

    def test_statfs_without_an_upper_is_that_of_the_topmost_layer(self):
        self.call("-o", "lowerdir=c:b:a", "mnt")
        mine, disk = os.statvfs("mnt"), os.statvfs("c")
        self.assertEqual((mine.f_blocks, mine.f_frsize, mine.f_namemax), (disk.f_blocks, disk.f_frsize, 255))
        self.assertTrue(mine.f_flag & os.ST_RDONLY)

    def test_static_nlink(self):
        """A directory of one layer has the links that it has there, and one link with the option; a file has as many as it
        has names."""
        os.makedirs("a/alone/sub")
        os.link("a/from-a", "a/second")
        for option, links in (("", os.stat("a/alone").st_nlink), (",static_nlink", 1)):
            self.call("-o", f"lowerdir=c:b:a{option}", "mnt")
            self.assertEqual((os.stat("mnt/alone").st_nlink, os.stat("mnt/from-a").st_nlink), (links, 2))
            mounts.unmount("mnt")

    def test_locks_of_the_caller_are_not_inherited(self):
        fd = os.open("a/from-a", os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.set_inheritable(fd, True)
        self.call("-o", "lowerdir=c:b:a", "mnt", pass_fds=(fd,))
        os.close(fd)
        other = os.open("a/from-a", os.O_RDONLY)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)
        self.assertFalse([path for path in proc.open_paths(self.daemons()[0]) if path.endswith("/from-a")])
