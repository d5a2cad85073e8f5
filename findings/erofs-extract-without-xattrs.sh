#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: erofs-utils 1.5-1 (mkfs.erofs, fsck.erofs)
# Guess: `fsck.erofs --extract` gives the tree that the image was made of, with attributes and hard
#   links.
# Behaviour: no extended attribute is extracted, so opaque directories are opaque no more; a file
#   with two names comes out as two files. Whiteouts, modes and times are right. It says nothing,
#   and there is no option for it.
# Seen: no attribute, one link; the mounted image has both.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages erofs-utils=1.5-1 attr=1:2.5.1-4

mkdir -p upper/d
setfattr -n trusted.overlay.opaque -v y upper/d
mknod upper/whiteout c 0 0
echo x >upper/one
ln upper/one upper/two
mkfs.erofs image upper >/dev/null
fsck.erofs --extract=out image >/dev/null
seen "whiteout" "character special file" "$(stat -c %F out/whiteout)"
seen "the attributes" "" "$(getfattr -m - out/d)"
seen "the links" 1 "$(stat -c %h out/one)"
