# SPDX-License-Identifier: Apache-2.0
"""Files in one call: their bytes, their names, their digests."""

import hashlib
import os


def read(path):
    """All bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    """Makes or empties a file and writes `data`."""
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def names(path):
    """The sorted names in a directory."""
    return sorted(os.listdir(path))


def digest(data):
    """The digest of bytes, as "sha256:...". """
    return "sha256:" + hashlib.sha256(data).hexdigest()


def file_digest(path):
    """The digest of a file, as digest() gives it."""
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
