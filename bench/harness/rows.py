# SPDX-License-Identifier: Apache-2.0
"""The rows of the table: each is a function from the context to the figures it measured."""

import os
import resource
import subprocess
import time

from . import build_rows, image_rows, registry_rows, systems
from .report import Figure


class Context:
    """What every row needs: the inputs, a scratch folder, how often to measure."""

    def __init__(self, inputs, scratch, rounds):
        self.inputs, self.scratch, self.rounds = inputs, scratch, rounds

    def interleaved(self, contestants, prepare=None):
        """Times name -> function, all in each round and in turning order; returns name -> samples in seconds.

        A function may do part of its work untimed before by way of prepare(name), whose result it is given.
        """
        samples = {name: [] for name in contestants}
        names = list(contestants)
        for number in range(self.rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                prepared = prepare(name) if prepare else None
                start = time.perf_counter()
                contestants[name](prepared) if prepare else contestants[name]()
                samples[name].append(time.perf_counter() - start)
        return samples


def import_image(context):
    """Import of a root file system's tar, against tar -xf; each followed by sync."""
    archive = context.inputs.root_tar()
    archive.read_bytes()  # in the page cache for both

    def prepare(name):
        folder = context.scratch.fresh(f"import-{name}")
        os.sync()
        return folder

    def extract(folder):
        systems.run("tar", "-xf", archive, "-C", folder)
        os.sync()

    def veneer(folder):
        systems.run("veneer", "import", archive, "root:1", env=systems.store(folder))
        os.sync()

    samples = context.interleaved({"veneer": veneer, "tar": extract}, prepare)
    for name in samples:
        context.scratch.remove(f"import-{name}")
    return [Figure("import of a 500 MB root file system", "s", samples, limit=1.0, against="tar")]


def import_sibling(context):
    """Bytes on disk that a second image takes which shares 90 % of the first one's files."""
    samples = {"veneer": [], "new contents": [], "written": []}
    new_bytes = context.inputs.sibling_new_bytes()
    for _ in range(context.rounds):
        folder = context.scratch.fresh("sibling")
        systems.run("veneer", "import", context.inputs.root_tar(), "root:1", env=systems.store(folder))
        os.sync()
        before = _disk_use(folder)
        blocks = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock
        systems.run("veneer", "import", context.inputs.sibling_tar(), "root:2", env=systems.store(folder))
        samples["written"].append((resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock - blocks) * 512 / 1e6)
        samples["veneer"].append((_disk_use(folder) - before) / 1e6)
        samples["new contents"].append(new_bytes / 1e6)
    context.scratch.remove("sibling")
    return [Figure("disk taken by a second image, 90 % shared", "MB", samples)]


def _disk_use(folder):
    # Sealing may leave a temporary file to a process that is about to end: what du misses, it
    # misses on both sides.
    result = subprocess.run(["du", "-s", "--block-size=1", folder], stdout=subprocess.PIPE, text=True, check=True)
    return int(result.stdout.split()[0])


def mount_image(context):
    """From the start of the mount command until the first ls of the mount has ended."""
    lower = _extracted(context)
    folder = _stored(context)

    def first_ls(mount):
        point = mount()
        systems.run("ls", point)

    mounts = {
        "veneer": lambda: systems.mount_image(context.scratch, folder, "root:1"),
        "overlayfs": lambda: systems.mount_overlayfs(context.scratch, lower),
        "fuse-overlayfs": lambda: systems.mount_fuse_overlayfs(context.scratch, lower),
    }
    for name in list(mounts):
        if mounts[name]() is None:
            del mounts[name]

    def prepare(name):
        if name == "veneer":
            systems.unmount_image(folder)
        else:
            context.scratch.remove(name)

    samples = context.interleaved({name: lambda _, m=mounts[name]: first_ls(m) for name in mounts}, prepare)
    for name in mounts:
        prepare(name)
    return [Figure("mount until the first ls answers, 14,000 entries", "s", samples, limit=0.050)]


def change(context):
    """diff and commit of ten changed files."""
    folder = _stored(context)
    env = systems.store(folder)
    point = systems.mount_image(context.scratch, folder, "root:1")
    names = sorted(entry.path for entry in os.scandir(point / "usr/bin") if entry.is_file(follow_symlinks=False))
    for name in names[:10]:
        with open(name, "ab") as file:
            file.write(b"changed\n")
    os.sync()
    commits = iter(range(context.rounds))
    samples = context.interleaved({
        "diff": lambda: systems.run("veneer", "diff", "bench", env=env),
        "commit": lambda: systems.run("veneer", "commit", "bench", f"changed:{next(commits)}", env=env),
    })
    systems.unmount_image(folder)
    return [Figure(f"{what} of 10 changed files, 14,000 entries", "s", {"veneer": samples[what]}, limit=0.100)
            for what in ("diff", "commit")]


def memory(context):
    """Resident memory of the server after find over 100,000 entries."""
    folder = context.scratch.fresh("wide-store")
    lower = context.scratch.fresh("wide")
    systems.run("veneer", "import", context.inputs.wide_tar(), "wide:1", env=systems.store(folder))
    systems.run("tar", "-xf", context.inputs.wide_tar(), "-C", lower)
    mounts = {
        "veneer": lambda: systems.mount_image(context.scratch, folder, "wide:1"),
        "veneerfs": lambda: systems.mount_veneerfs(context.scratch, lower),
        "fuse-overlayfs": lambda: systems.mount_fuse_overlayfs(context.scratch, lower),
    }
    samples = {}
    for _ in range(context.rounds):
        for name, mount in mounts.items():
            point = mount()
            if point is None:
                continue
            systems.run("find", point, "-printf", "%s %m\\n")
            samples.setdefault(name, []).append(systems.resident_bytes(systems.server_of(point)) / 1e6)
            if name == "veneer":
                systems.unmount_image(folder)
            context.scratch.remove(name)
    for name in ("wide-store", "wide"):
        context.scratch.remove(name)
    return [Figure("memory of the server after find over 100,000 entries", "MB", samples, limit=60)]


def warm(context):
    """find, ls -lR, reading 6,000 small files and tar, everything in the caches."""
    lower = _extracted(context)
    folder = _stored(context)
    points = {
        "veneer": systems.mount_image(context.scratch, folder, "root:1"),
        "veneerfs": systems.mount_veneerfs(context.scratch, lower),
        "overlayfs": systems.mount_overlayfs(context.scratch, lower),
        "directory": lower,
        "fuse-overlayfs": systems.mount_fuse_overlayfs(context.scratch, lower),
    }
    points = {name: point for name, point in points.items() if point is not None}
    small = _small_files(lower, 6000)
    workloads = {
        "find -printf": ("find . -printf '%s %m %u %T@ %p\\n'", b""),
        "ls -lR": ("ls -lR .", b""),
        "read of 6,000 small files": ("xargs -0 cat --", small),
        "tar of /usr": ("tar -cf - usr | cat", b""),
    }
    figures = []
    for what, (command, given) in workloads.items():
        def work(point, command=command, given=given):
            subprocess.run(["sh", "-c", command], cwd=point, input=given, stdout=subprocess.DEVNULL, check=True)
        # The first read of a file makes its access time stale, so caches are warm after the second
        # run.
        for point in 2 * list(points.values()):
            work(point)
        samples = context.interleaved({name: lambda p=point: work(p) for name, point in points.items()})
        figures.append(Figure(f"{what}, warm", "s", samples, limit=1.2, against="overlayfs"))
    systems.unmount_image(folder)
    for name in ("veneer", "veneerfs", "overlayfs", "fuse-overlayfs"):
        context.scratch.remove(name)
    return figures


def _small_files(lower, count):
    """The first `count` regular files of at most 16 KiB, in the order of a walk, as xargs -0 reads them."""
    names = []
    for folder, folders, files in os.walk(lower):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) <= 16384:
                names.append(os.fsencode(os.path.relpath(path, lower)))
    if len(names) < count:
        raise SystemExit(f"figures: only {len(names)} small files in the image")
    return b"\0".join(names[:count])


def _extracted(context):
    """The root file system as a plain directory, made once per run."""
    if not hasattr(context, "extracted"):
        context.extracted = context.scratch.fresh("extracted")
        systems.run("tar", "-xf", context.inputs.root_tar(), "-C", context.extracted)
    return context.extracted


def _stored(context):
    """A store with the root file system as root:1, made once per run."""
    if not hasattr(context, "stored"):
        context.stored = context.scratch.fresh("store")
        systems.run("veneer", "import", context.inputs.root_tar(), "root:1", env=systems.store(context.stored))
    return context.stored


ALL = {
    "import": import_image,
    "sibling": import_sibling,
    "mount": mount_image,
    "change": change,
    "memory": memory,
    "warm": warm,
    "load": image_rows.load,
    "save": image_rows.save,
    "listing": image_rows.listing,
    "pull": registry_rows.pull,
    "push": registry_rows.push,
    "link": registry_rows.link,
    "registry-memory": registry_rows.registry_memory,
    "gzip": registry_rows.gzip,
    "build-run": build_rows.run_steps,
    "build-copy": build_rows.copy_tree,
    "build-change": build_rows.change_one_line,
}
