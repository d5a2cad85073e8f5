#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: e2fsprogs 1.47.0-2+b2 (mke2fs, debugfs)
# Guess: what `mke2fs -d` has put into an image, `debugfs rdump` takes out again.
# Behaviour: rdump passes over devices without a word. Of an upper directory the whiteouts are left
#   out, and with them every deletion. Extended attributes, and so opaque marks, are left out too.
# Seen: the device and the attribute in the image; neither in what rdump wrote; status 0.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages e2fsprogs=1.47.0-2+b2 libext2fs2=1.47.0-2+b2 libss2=1.47.0-2+b2 attr=1:2.5.1-4

mkdir -p upper/d out
mknod upper/whiteout c 0 0
setfattr -n trusted.overlay.opaque -v y upper/d
truncate -s 8M image
mke2fs -q -t ext4 -d upper image 2>/dev/null
seen "the device in the image" 1 "$(debugfs -R "ls -l /" image 2>/dev/null | grep -c ' whiteout$')"
seen "the mark in the image" 1 "$(debugfs -R "ea_list /d" image 2>/dev/null | grep -c trusted.overlay.opaque)"
debugfs -R "rdump / out" image 2>said
seen "what rdump wrote" "d lost+found" "$(find out -mindepth 1 -printf '%P\n' | sort | xargs)"
seen "its attributes" "" "$(getfattr -m - out/d)"
seen "what it says" "" "$(grep -v '^debugfs 1' said || true)"
