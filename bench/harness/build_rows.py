# SPDX-License-Identifier: Apache-2.0
"""The rows about building: the same Dockerfiles by Veneer, by the Docker engine with BuildKit, and by buildah."""

import contextlib
import os
import random
import shutil
import subprocess
import time

from . import systems
from .report import Figure

STEPS = 20
FILES, BYTES_PER_FILE = 20_000, 10_000
DOCKER, BUILDAH = "docker build", "buildah bud"
COMPILE = "g++ -O2 -o /app /src/main.cc"
PROGRAM = "#include <cstdio>\nint main() { std::puts(\"%s\"); }\n"


@contextlib.contextmanager
def _docker(folder):
    """An engine of its own with its client's command line before the words."""
    socket = folder / "sock"
    with open(folder / "log", "wb") as log:
        engine = subprocess.Popen(
            ["dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "-p", folder / "pid",
             "-H", f"unix://{socket}", "--iptables=false", "--ip6tables=false", "--bridge=none",
             "--userland-proxy=false", "--storage-driver=overlay2"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "1"}
    try:
        for _ in range(300):
            if subprocess.run(["/usr/bin/docker", "info"], env=environment, check=False, capture_output=True).returncode == 0:
                break
            time.sleep(0.2)
        else:
            raise SystemExit(f"figures: dockerd does not start, see {folder / 'log'}")
        yield lambda *line, **more: systems.run("/usr/bin/docker", *line, env=environment, **more)
    finally:
        engine.terminate()
        engine.wait(60)


def _buildah(folder):
    def run(*line):
        systems.run("buildah", "--root", folder / "root", "--runroot", folder / "run", "--storage-driver", "overlay", *line)
    return run


class Builders:
    """Three stores with the same base image, root:1, and a build of a context by each."""

    def __init__(self, context, docker):
        self.context, self.docker = context, docker
        self.folder = context.scratch.path("builders")
        self.store = self.folder / "veneer"
        self.buildah = _buildah(self.folder / "buildah")

    def fill(self):
        archive = self.context.inputs.root_tar()
        systems.run("veneer", "import", archive, "root:1", env=systems.store(self.store))
        self.docker("import", archive, "root:1")
        systems.run("podman", "--root", self.folder / "buildah/root", "--runroot", self.folder / "buildah/run",
                    "--storage-driver", "overlay", "import", archive, "root:1")

    def contestants(self, tree, *options):
        """What builds the Dockerfile of a directory, by name."""
        return {
            "veneer": lambda: systems.run("veneer", "build", "-q", *options, "-t", "built", tree,
                                          env=systems.store(self.store)),
            DOCKER: lambda: self.docker("build", "-q", "--network", "host", *options, "-t", "built", tree),
            BUILDAH: lambda: self.buildah("bud", "-q", "--layers", "--runtime", "runc", "--network", "host",
                                          "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
                                          *options, "-t", "built", tree),
        }


@contextlib.contextmanager
def _builders(context):
    for program in ("dockerd", "buildah", "podman"):
        if not shutil.which(program):
            raise SystemExit(f"figures: {program} is not in PATH")
    folder = context.scratch.fresh("builders")
    (folder / "docker").mkdir()
    with _docker(folder / "docker") as docker:
        builders = Builders(context, docker)
        builders.fill()
        yield builders
    context.scratch.remove("builders")


def _context(context, name, dockerfile):
    folder = context.scratch.fresh(name)
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


def _best(samples):
    """The faster one of the others, by the median."""
    others = [name for name in samples if name != "veneer"]
    return min(others, key=lambda name: sorted(samples[name])[len(samples[name]) // 2])


def run_steps(context):
    """20 steps RUN true upon 500 MB, made anew and taken from the cache; and what one step costs."""
    tree = _context(context, "steps", "FROM root:1\n" + "".join(f"RUN true # {i}\n" for i in range(STEPS)))
    with _builders(context) as builders:
        anew = context.interleaved(builders.contestants(tree, "--no-cache"))
        cached = context.interleaved(builders.contestants(tree))
    context.scratch.remove("steps")
    step = [seconds / STEPS * 1000 for seconds in anew["veneer"]]
    return [Figure(f"{STEPS} steps RUN true upon 500 MB, no cache", "s", anew, limit=0.15, against=_best(anew)),
            Figure("the same, everything cached", "s", cached, limit=0.1, against=_best(cached)),
            Figure("one RUN step beside its command (target: 80 ms)", "ms", {"veneer": step})]


def copy_tree(context):
    """COPY of 200 MB in 20,000 files, made anew and taken from the cache."""
    tree = _context(context, "copied", "FROM root:1\nCOPY tree /tree\n")
    maker = random.Random(1)
    for number in range(FILES):
        folder = tree / "tree" / str(number // 200)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{number}").write_bytes(maker.randbytes(BYTES_PER_FILE))
    with _builders(context) as builders:
        anew = context.interleaved(builders.contestants(tree, "--no-cache"))
        cached = context.interleaved(builders.contestants(tree))
    context.scratch.remove("copied")
    return [Figure("COPY of 200 MB in 20,000 files, no cache", "s", anew, limit=0.3, against=_best(anew)),
            Figure("the same, cached", "s", cached, limit=0.1, against=_best(cached))]


def change_one_line(context):
    """A C++ project in two stages whose source has changed by a line, against its compiler alone (target: + 100 ms)."""
    compiler = context.scratch.fresh("compiler")
    systems.run("mmdebstrap", "--variant=minbase", "--include=g++", "bookworm", compiler / "gcc.tar")
    tree = _context(context, "project", "FROM gcc:1 AS build\nCOPY main.cc /src/\nRUN " + COMPILE +
                    "\nFROM scratch\nCOPY --from=build /app /app\nCMD [\"/app\"]\n")
    store = context.scratch.fresh("project-store")
    root = context.scratch.fresh("project-root")
    systems.run("veneer", "import", compiler / "gcc.tar", "gcc:1", env=systems.store(store))
    systems.run("tar", "-xf", compiler / "gcc.tar", "-C", root)
    (root / "src").mkdir()
    lines = iter(range(10_000))

    def prepare(_):
        text = PROGRAM % next(lines)
        (tree / "main.cc").write_text(text)
        (root / "src/main.cc").write_text(text)

    samples = context.interleaved({
        "veneer": lambda _: systems.run("veneer", "build", "-q", "-t", "built", tree, env=systems.store(store)),
        "the command in a chroot": lambda _: systems.run("chroot", root, "/bin/sh", "-c", COMPILE)}, prepare)
    more = [(ours - alone) * 1000 for ours, alone in zip(samples["veneer"], samples["the command in a chroot"])]
    for name in ("compiler", "project", "project-store", "project-root"):
        context.scratch.remove(name)
    return [Figure("a changed line of a C++ project", "s", samples),
            Figure("the same, beyond the command (target: 100 ms)", "ms", {"veneer": more})]
