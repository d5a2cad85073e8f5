#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_debian_tar.py FILE: a minimal root file system of this machine's own release as a tar archive, made with mmdebstrap from
the machine's own mirror. Kept when it is there already."""

import os
import subprocess
import sys
import tarfile


def release():
    """The code name of this machine's release."""
    with open("/etc/os-release", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.strip().partition("=")
            if key == "VERSION_CODENAME":
                return value.strip('"')
    return "bookworm"


def is_complete(path):
    """Is this an archive with an apt-get in it, up to its end?"""
    try:
        with tarfile.open(path) as archive:
            return any(member.name.endswith("usr/bin/apt-get") for member in archive)
    except (OSError, tarfile.TarError):
        return False


def main():
    path = sys.argv[1]
    if is_complete(path):
        return 0
    partial = path + ".partial.tar"
    subprocess.run(["mmdebstrap", "--variant=minbase", release(), partial], check=True)
    os.replace(partial, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
