#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which module may include what: the arrow of dependence, and the home of each third-party library.

    base <- threads <- model <- tar, index <- layer <- objects <- catalog <- store <- transfer <- tools
    layer <- upper <- core <- fuse,  model <- options <- fuse
    tools: format <- oci <- dockerfile <- archive, registry <- run <- build <- cli,  process <- registry
"""

import pathlib
import re
import tree

# Module folder -> module folders whose headers it may include (besides its own).
_BELOW_LAYER = ["layerdb/base", "layerdb/threads", "layerdb/model", "layerdb/index"]
_STORE_SIDE = _BELOW_LAYER + ["layerdb/layer", "layerdb/objects", "layerdb/catalog", "layerdb/tar", "layerdb/store", "layerdb/transfer"]
_FS_SIDE = _BELOW_LAYER + ["layerdb/layer", "fs/upper", "fs/core", "fs/options", "fs/fuse"]
ARROW = {module: side[:i] for side in (_STORE_SIDE, _FS_SIDE) for i, module in enumerate(side)}
# tar stands beside index: below the store, and nothing that veneerfs links.
ARROW["layerdb/tar"] = ["layerdb/base", "layerdb/threads", "layerdb/model"]
ARROW["fs/options"] = ["layerdb/base", "layerdb/threads", "layerdb/model"]
ARROW["fs"] = _FS_SIDE
_TOOL_ROOMS = ["tools/format", "tools/oci", "tools/dockerfile"]
ARROW.update({room: _STORE_SIDE + _TOOL_ROOMS[:i] for i, room in enumerate(_TOOL_ROOMS)})
ARROW["tools/process"] = ["layerdb/base"]
ARROW["tools/archive"] = _STORE_SIDE + _TOOL_ROOMS
ARROW["tools/registry"] = ARROW["tools/archive"] + ["tools/process"]
ARROW["tools/run"] = ARROW["tools/registry"] + ["tools/archive", "tools/registry"]
ARROW["tools/mount"] = ARROW["tools/build"] = ARROW["tools/run"] + ["tools/run"]
ARROW["tools/cli"] = ARROW["tools/build"] + ["tools/build"]

# Third-party header (regular expression) -> the only folders that may include it.
THIRD_PARTY = {
    r"lmdb\.h": ["layerdb/index"],
    # The bench measures libarchive beside TarParser.
    r"archive(_entry)?\.h": ["layerdb/tar", "bench"],
    r"fuse.*\.h": ["fs/fuse"],
    r"linux/fuse\.h": ["fs/fuse"],
    r"xxh.*\.h": ["layerdb/base"],
    r"openssl/.*": ["layerdb/base"],
    r"spdlog/.*": ["layerdb/base"],
    r"tl/expected\.hpp": ["layerdb/base"],
    r"zstd.*\.h": ["layerdb/tar"],
    r"zlib\.h": ["layerdb/tar"],
    r"libdeflate\.h": ["layerdb/tar"],
    r"isa-l/.*": ["layerdb/tar"],
    r"CLI/.*": ["tools/cli/parser.cc"],
    r"nlohmann/.*": ["tools", "fs/fuse/statistics.cc"],
    r"curl/.*": ["tools/registry"],
    r"seccomp\.h": ["tools/run/seccomp_filter.cc"],
    # A large header: one file reads it, and gives values.
    r"toml\+\+/.*": ["tools/registry/registries_toml.cc"],
    r"(gtest|gmock)/.*": ["tests"],
    r"benchmark/.*": ["bench"],
}

# What the language and the system bring: names without a dot, and the C library's and the kernel's
# headers.
_SYSTEM = re.compile(r"[a-z_0-9]+|(sys|linux|net|netinet|arpa|asm)/.*|"
                     r"(dirent|dlfcn|endian|errno|fcntl|getopt|grp|libgen|limits|malloc|mntent|netdb|poll|pty|pwd|sched|setjmp|signal|stdint|stdio|"
                     r"stdlib|string|syslog|termios|time|unistd|utime)\.h")
# The model decides from values to values: it makes no system call. Constants of modes and errors
# are values.
_SYSTEM_CALLS = re.compile(r"(unistd|fcntl|dirent|poll|sched|signal)\.h|sys/(xattr|mount|mman|ioctl|statfs|syscall|"
                           r"wait|socket|uio)\.h|filesystem|fstream|thread|mutex")
_INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def module_of(path):
    """The longest module folder that holds path, or None for tests, benches and the like."""
    for folder in path.parents:
        if str(folder) in ARROW:
            return str(folder)
    return None


def check_file(root, path):
    module = module_of(path)
    for number, line in enumerate(tree.lines(root, path), 1):
        match = _INCLUDE.match(line)
        if not match:
            continue
        quoted, header = match[1] == '"', match[2]
        where = f"{path}:{number}"
        if quoted:
            target = module_of(pathlib.PurePath(header))
            if not (root / header).is_file():
                yield f'{where}: "{header}" is not a path from the root of the tree'
            elif module and target and target != module and target not in ARROW[module]:
                yield f"{where}: {module} must not include {header}: the arrow of dependence points the other way"
            continue
        homes = next((homes for name, homes in THIRD_PARTY.items() if re.fullmatch(name, header)), None)
        if homes is not None:
            if not any(path.is_relative_to(home) for home in homes) and not path.is_relative_to("tests"):
                yield f"{where}: <{header}> belongs to {' and '.join(homes)} only"
        elif not _SYSTEM.fullmatch(header):
            yield f"{where}: <{header}> is neither a system header nor in THIRD_PARTY of scripts/checks/includes.py"
        elif module == "layerdb/model" and _SYSTEM_CALLS.fullmatch(header):
            yield f"{where}: <{header}>: layerdb/model decides from values and makes no system call"


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.files(root):
        if path.suffix in (".h", ".cc"):
            violations += check_file(root, path)
    tree.report(violations)


if __name__ == "__main__":
    main()
