# SPDX-License-Identifier: Apache-2.0
"""Real Dockerfiles of well-known kinds, in the folder real: a C++ project, Debian packages, a Python and a Node application; one
of 60 steps. The compiler and Node are those of this machine; packages come from the registries that it reaches."""

import os
import re
import shutil
import tarfile

from support import proc, runner
from support.build_case import BuildCase, cases
from support.files import read, write
from support.images import member, tar

REAL = os.path.join(os.path.dirname(__file__), "real")
REGISTRY_TIME = 40  # seconds to find out whether a registry is there


def tools_tar():
    """A root file system without programs: /usr is bound."""
    folders = [member(f"{name}/", kind=tarfile.DIRTYPE, mode=0o755) for name in ("etc", "root", "usr")]
    links = [member(name, kind=tarfile.SYMTYPE, linkname=f"usr/{name}", mode=0o777) for name in ("bin", "lib", "lib64", "sbin")]
    return tar(*folders, member("tmp/", kind=tarfile.DIRTYPE, mode=0o1777), *links,
               member("etc/passwd", b"root:x:0:0::/root:/bin/sh\n"))


def apt_sites():
    """Where this machine's apt-get looks for its release."""
    done = proc.run(["apt-get", "indextargets", "--format", "$(REPO_URI)dists/$(RELEASE)/InRelease", "Created-By: Packages"])
    return list(dict.fromkeys(done.out.splitlines()))


class Real:
    """What the cases share."""

    def setUp(self):
        super().setUp()
        write(self.path("tools.tar"), tools_tar())
        self.veneer("import", "-q", "tools.tar", "tools")

    def build(self, name, *words, code=0, **more):
        """Builds a context of the folder as NAME:1: what it did."""
        if not os.path.exists(self.path(name)):
            shutil.copytree(os.path.join(REAL, name), self.path(name))
            self.prepare(name)
            self.own(self.path(name))
        done = self.run_veneer("build", "--progress", "plain", "-t", f"{name}:1", *words, name, timeout=400, **more)
        self.assertEqual(done.code, code, done)
        return done

    def prepare(self, name):
        """Adds this machine's configuration of apt to a context that takes packages."""
        if "COPY apt " in read(self.path(name, "Dockerfile")).decode():
            shutil.copytree("/etc/apt", self.path(name, "apt"), ignore=lambda folder, names: [
                one for one in names if not os.access(os.path.join(folder, one), os.R_OK)])
            proc.run(["chmod", "-R", "a+rX", self.path(name, "apt")], check=True)

    def cached(self, done):
        """How many steps were taken from the cache."""
        return len(re.findall(r"(?m)^#\d+ CACHED$", done.err))

    def run_image(self, name, *words):
        """What the command of an image writes."""
        return self.veneer("chroot", f"{name}:1", *words, err="(?s).*")

    def need_apt(self):
        """Skips where no registry of Debian packages is reached."""
        sites = apt_sites()
        for site in sites[:2]:
            words = ["/usr/lib/apt/apt-helper", "download-file", site, self.path("InRelease")]
            try:
                if proc.run(words, timeout=REGISTRY_TIME).code == 0:
                    return
            except TimeoutError:
                pass
        self.skipTest("this machine reaches no registry of Debian packages")

    def need_npm(self):
        """Skips where there is no npm or no registry of its packages is reached."""
        if not shutil.which("npm"):
            self.skipTest("this machine has no npm")
        try:
            if proc.run(["npm", "view", "ms", "version"], timeout=REGISTRY_TIME).code == 0:
                return
        except TimeoutError:
            pass
        self.skipTest("this machine reaches no registry of npm")

    def import_debian(self):
        archive = os.environ.get("VENEER_DEBIAN_TAR")
        if not archive:
            raise AssertionError("VENEER_DEBIAN_TAR is not set: make the archive with make_debian_tar.py")
        self.veneer("import", "-q", archive, "debian:12", timeout=200)


@cases(())
class Projects(Real, BuildCase):
    def test_a_cpp_project_in_two_stages(self):
        usr = ("--build-context", "usr=/usr")
        self.build("cpp", *usr)
        self.assertEqual(self.run_image("cpp"), "hello world\n")
        self.assertEqual(self.run_image("cpp", "--", "a", "b"), "hello a\nhello b\n")
        self.veneer("save", "-o", "cpp.tar", "cpp:1")
        self.assertEqual(len(self.config("cpp:1")["rootfs"]["diff_ids"]), 1)
        self.assertGreater(self.cached(self.build("cpp", *usr)), 5)
        text = read(self.path("cpp/src/greet.cc")).decode()
        write(self.path("cpp/src/greet.cc"), text.replace('" "', '", "'))
        self.build("cpp", *usr, "--build-arg", "GREETING=bye")
        self.assertEqual(self.run_image("cpp"), "bye, world\n")
        write(self.path("cpp/src/greet.cc"), text.replace("return", "retrun"))
        done = self.build("cpp", *usr, code=1)
        self.assertRegex(done.err, r"(?s)retrun.*RUN --mount=from=usr,target=/usr make")
        self.assertEqual(self.run_image("cpp"), "bye, world\n", "the name stays at the image before")

    def test_sixty_steps(self):
        os.mkdir(self.path("steps"))
        lines = ["FROM bb"]
        for number in range(20):
            write(self.path("steps", f"f{number}"), f"{number}\n")
            lines += [f"COPY f{number} /f/", f"RUN cat /f/f{number} >> /all && rm /f/f{number}", f"ENV N{number}=$N{number - 1}x"]
        write(self.path("steps/Dockerfile"), "\n".join(lines))
        self.build("steps")
        self.assertEqual(self.run_image("steps", "--", "cat", "/all"), "".join(f"{number}\n" for number in range(20)))
        self.assertIn("N19=" + "x" * 20, self.config("steps:1")["config"]["Env"])
        self.assertEqual(len(self.config("steps:1")["rootfs"]["diff_ids"]), 41)
        self.assertEqual(len(self.config("steps:1")["history"]), 61)
        self.assertEqual(self.cached(self.build("steps")), 40)
        write(self.path("steps/f18"), "changed\n")
        self.assertEqual(self.cached(self.build("steps")), 36)
        self.assertEqual(self.run_image("steps", "--", "tail", "-2", "/all"), "changed\n19\n")

    def test_a_node_application(self):
        self.need_npm()
        where = proc.run(["npm", "config", "get", "userconfig"], check=True).out.strip()
        write(self.path("npmrc"), read(where) if os.path.exists(where) else b"")
        os.chmod(self.path("npmrc"), 0o644)
        words = ("--build-context", "usr=/usr", "--build-context", "ssl=/etc/ssl", "--secret", "id=npmrc,src=npmrc")
        self.build("node", *words)
        self.assertEqual(self.said_by("node"), "172800000\n")
        write(self.path("node/index.js"), 'console.log(require("ms")(60000));\n')
        done = self.build("node", *words)
        self.assertRegex(done.err, r"(?s)RUN --mount=from=usr,target=/usr --mount=from=ssl.*npm install[^\n]*\n#\d+ CACHED")
        self.assertEqual(self.said_by("node"), "1m\n")

    def said_by(self, name):
        """/said of an image without programs."""
        point = self.veneer("mount", "-r", "-n", "look", f"{name}:1").strip()
        said = self.act(lambda: read(point + "/said").decode())
        self.veneer("umount", "look")
        self.veneer("rm", "look")
        return said


class Packages(Real):
    """With a real Debian, whose package manager needs more than one id."""

    def test_debian_packages_with_a_cache_mount(self):
        self.need_apt()
        self.import_debian()
        self.build("debian")
        self.assertEqual(self.run_image("debian"), "Hello, world!\n")
        self.build("debian", "--build-arg", "OPTIONS=--no-download")
        self.assertEqual(self.run_image("debian"), "Hello, world!\n", "the archives are in the cache mount")
        self.assertEqual(self.run_image("debian", "--", "ls", "/var/cache/apt/archives") or "\n", "\n", "and not in the image")

    def test_a_python_application_in_a_virtual_environment(self):
        self.need_apt()
        self.import_debian()
        self.build("python")
        self.assertEqual(self.run_image("python"), "hello you\n")
        self.assertEqual(self.run_image("python", "--", "cat", "/home/app/said"), "hello world\n")
        self.assertEqual(self.run_image("python", "--", "stat", "-c", "%U", "/home/app/said"), "app\n")


class RootPackages(Packages, BuildCase):
    """As root."""
    timeout = 500


class UserPackages(Packages, BuildCase):
    """As an ordinary user with subordinate ids."""
    timeout = 500
    uid = runner.USER_WITH_IDS
