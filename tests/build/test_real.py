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
from support.images import member

REAL = os.path.join(os.path.dirname(__file__), "real")
REGISTRY_TIME = 40  # seconds to find out whether a registry is there
LINKS = ("bin", "lib", "lib64", "sbin")
UNUSED = re.compile(r"^/usr/share/(doc|man|locale|info)/|/(lto|asan|tsan|lsan|gprofng|lib[alt]san|gp-)|/include/node/|/lto1$|/lto-dump")


def installed(*packages):
    """These packages of this machine, and those that they need."""
    done = proc.run(["apt-cache", "depends", "--installed", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
                     "--no-breaks", "--no-replaces", "--no-enhances", *packages], check=True)
    return sorted({line for line in done.out.splitlines() if re.match("[a-z0-9]", line)} - {"debconf"})


def tools_archive(name, packages, more=()):
    """A root file system of packages of this machine and more files, made once for all cases; its path."""
    path = os.path.join(os.environ["TMPDIR"], "system", name + ".tar")
    if os.path.exists(path):
        return path
    listed = proc.run(["dpkg", "-L", *installed(*packages)]).out.splitlines()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for link in LINKS:
            archive.addfile(member(link, kind=tarfile.SYMTYPE, linkname=f"usr/{link}", mode=0o777)[0])
        archive.addfile(member("tmp/", kind=tarfile.DIRTYPE, mode=0o1777)[0])
        for source in sorted({*listed, *more}):
            first, _, below = source[1:].partition("/")
            if below and os.path.lexists(source) and (os.path.islink(source) or not os.path.isdir(source)) and not UNUSED.search(source):
                archive.add(source, f"{'usr/' if first in LINKS else ''}{source[1:]}", recursive=False, filter=of_root)
    os.chmod(path, 0o644)
    return path


def npm_files():
    """npm, which brings itself up to date without a package, and the certificates that it needs."""
    program = shutil.which("npm")
    home = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    files = [os.path.join(folder, name) for folder, _, names in os.walk(home) for name in names]
    return [program, "/etc/ssl/certs/ca-certificates.crt", *files]


def of_root(info):
    """A member of root, and no hard link."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def apt_sites():
    """Where this machine's apt-get looks for its release."""
    done = proc.run(["apt-get", "indextargets", "--format", "$(REPO_URI)dists/$(RELEASE)/InRelease", "Created-By: Packages"])
    return list(dict.fromkeys(done.out.splitlines()))


class Real:
    """What the cases share."""

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
        return self.veneer("chroot", f"{name}:1", *words, err=r"[\s\S]*")

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
        self.veneer("import", "-q", tools_archive("compiler", ("g++", "make", "dash", "coreutils")), "compiler", timeout=200)
        self.build("cpp")
        self.assertEqual(self.run_image("cpp"), "hello world\n")
        self.assertEqual(self.run_image("cpp", "--", "a", "b"), "hello a\nhello b\n")
        self.veneer("save", "-o", "cpp.tar", "cpp:1")
        self.assertEqual(len(self.config("cpp:1")["rootfs"]["diff_ids"]), 1)
        self.assertGreater(self.cached(self.build("cpp")), 5)
        text = read(self.path("cpp/src/greet.cpp")).decode()
        write(self.path("cpp/src/greet.cpp"), text.replace('" "', '", "'))
        self.build("cpp", "--build-arg", "GREETING=bye")
        self.assertEqual(self.run_image("cpp"), "bye, world\n")
        write(self.path("cpp/src/greet.cpp"), text.replace("return", "retrun"))
        done = self.build("cpp", code=1)
        self.assertRegex(done.err, r"(?s)retrun.*RUN make")
        self.assertEqual(self.run_image("cpp"), "bye, world\n", "the name stays at the image before")

    def test_sixty_steps(self):
        os.mkdir(self.path("steps"))
        lines = ["FROM bb"]
        for number in range(20):
            write(self.path("steps", f"f{number}"), f"{number}\n")
            lines += [f"COPY f{number} /f/", f"RUN cat /f/f{number} >> /all && rm /f/f{number}", f"ENV X=${{X}}x"]
        write(self.path("steps/Dockerfile"), "\n".join(lines))
        self.build("steps")
        self.assertEqual(self.run_image("steps", "--", "cat", "/all"), "".join(f"{number}\n" for number in range(20)))
        self.assertIn("X=" + "x" * 20, self.config("steps:1")["config"]["Env"])
        self.assertEqual(len(self.config("steps:1")["rootfs"]["diff_ids"]), 41)
        self.assertEqual(len(self.config("steps:1")["history"]), 61)
        self.assertEqual(self.cached(self.build("steps")), 40)
        write(self.path("steps/f18"), "changed\n")
        self.assertEqual(self.cached(self.build("steps")), 36)
        self.assertEqual(self.run_image("steps", "--", "tail", "-2", "/all"), "changed\n19\n")

    def test_a_node_application(self):
        self.need_npm()
        found = proc.run(["dpkg", "-S", os.path.realpath(shutil.which("node"))]).out
        if not found:
            self.skipTest("this machine has no package of Node")
        self.veneer("import", "-q", tools_archive("node", (found.split(":")[0], "dash", "coreutils"), npm_files()), "node",
                    timeout=200)
        places = [proc.run(["npm", "config", "get", f"{whose}config"], check=True).out.strip() for whose in ("global", "user")]
        write(self.path("npmrc"), b"\n".join(read(place) for place in places if os.path.exists(place)))
        os.chmod(self.path("npmrc"), 0o644)
        words = ("--secret", "id=npmrc,src=npmrc")
        self.build("node", *words)
        self.assertEqual(self.run_image("node"), "172800000\n")
        write(self.path("node/index.js"), 'console.log(require("ms")(60000));\n')
        done = self.build("node", *words)
        self.assertRegex(done.err, r"npm install[^\n]*\n#\d+ CACHED")
        self.assertEqual(self.run_image("node"), "1m\n")


class Packages(Real):
    """With a real Debian, whose package manager needs more than one id."""

    def test_debian_packages_with_a_cache_mount(self):
        self.need_apt()
        self.import_debian()
        self.build("debian")
        self.assertEqual(self.run_image("debian"), "Hello, world!\n")
        self.build("debian", "--build-arg", "OPTIONS=--no-download")
        self.assertEqual(self.run_image("debian"), "Hello, world!\n", "the archives are in the cache mount")
        self.assertNotIn(".deb", self.run_image("debian", "--", "ls", "/var/cache/apt/archives"))

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
