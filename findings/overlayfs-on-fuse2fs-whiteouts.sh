#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: fuse2fs 1.47.0-2+b2, e2fsprogs 1.47.0-2+b2, and overlayfs of the kernel (Linux 6.18)
# Guess: a whiteout in a lower directory hides a name, whatever file system the directory is on.
# Behaviour: fuse2fs lists names without their types, and overlayfs looks for whiteouts only among
#   names that are listed as devices. The deleted name is in the listing, and nobody can stat it.
# Seen: "d gone" by ls, ENOENT by stat.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages fuse2fs=1.47.0-2+b2 libfuse2=2.9.9-6+b1 e2fsprogs=1.47.0-2+b2 libext2fs2=1.47.0-2+b2 libss2=1.47.0-2+b2

mkdir -p upper/d lower ext4 mnt
mknod upper/gone c 0 0
echo x >lower/gone
truncate -s 8M image
mke2fs -q -t ext4 -d upper image 2>/dev/null
fuse2fs -o ro image ext4 >/dev/null 2>&1
seen "the whiteout" "character special file" "$(stat -c %F ext4/gone)"
mount -t overlay overlay -o lowerdir=ext4:lower mnt
seen "the list" "d gone" "$(find mnt -mindepth 1 -maxdepth 1 -printf '%P\n' 2>/dev/null | sed /lost.found/d | sort | xargs)"
seen "stat" 1 "$(stat mnt/gone 2>&1 | grep -c "No such file")"
