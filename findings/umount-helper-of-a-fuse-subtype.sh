#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: mount 2.38.1-5+deb12u3 (umount), fuse-overlayfs 1.10-1
# Guess: umount looks for /sbin/umount.fuse.NAME at a mount of type fuse.NAME, as mount looks for
#   /sbin/mount.fuse.NAME.
# Behaviour: root's `umount DIR` asks statfs(2), which says "fuse" and no more, and looks for
#   /sbin/umount.fuse alone. With -l it reads the table of mounts, and looks for the whole name
#   first.
# Seen: umount.fuse without an option; umount.fuse.fuse-overlayfs, then umount.fuse, with -l.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages mount=2.38.1-5+deb12u3 libmount1=2.38.1-5+deb12u3 fuse-overlayfs=1.10-1 libfuse3-3=3.14.0-4 strace=6.1-0.1 \
  libunwind8=1.6.2-3

mkdir lower upper work mnt
looked() { sed -n 's,.*"/sbin/\(umount\.[^"]*\)".*,\1,p' trace | xargs; }
for option in -- -l; do
  fuse-overlayfs -o lowerdir=lower,upperdir=upper,workdir=work mnt 2>/dev/null
  strace -o trace umount "$option" "$PWD/mnt"
  looked+=("$(looked)")
done
seen "umount looks for" umount.fuse "${looked[0]}"
seen "umount -l looks for" "umount.fuse.fuse-overlayfs umount.fuse" "${looked[1]}"
