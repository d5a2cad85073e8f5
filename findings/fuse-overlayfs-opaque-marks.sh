#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: fuse-overlayfs 1.10-1, and overlayfs of the kernel (Linux 6.18)
# Guess: run by root, fuse-overlayfs marks an opaque directory as the kernel does, by
#   trusted.overlay.opaque alone. The kernel shows the same tree of the same directories.
# Behaviour: it makes the attribute, a file .wh..wh..opq, and a device 0:0 called .wh..opq, which
#   whites out nothing. The kernel shows the first of them as a file, and lists the second, which
#   nobody can stat.
# Seen: "n" with fuse-overlayfs; ".wh..opq .wh..wh..opq n" with the kernel.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages fuse-overlayfs=1.10-1 libfuse3-3=3.14.0-4 attr=1:2.5.1-4

mkdir -p lower/d upper work work2 mnt
echo old >lower/d/old
fuse-overlayfs -o lowerdir=lower,upperdir=upper,workdir=work mnt 2>/dev/null
rm -r mnt/d
mkdir mnt/d
echo new >mnt/d/n
seen "fuse-overlayfs" n "$(ls -A mnt/d)"
umount mnt
seen "the attribute" y "$(getfattr --only-values -n trusted.overlay.opaque upper/d)"
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work2 mnt
# shellcheck disable=SC2012
seen "the kernel" ".wh..opq .wh..wh..opq n" "$(ls -A mnt/d 2>/dev/null | LC_ALL=C sort | xargs)"
