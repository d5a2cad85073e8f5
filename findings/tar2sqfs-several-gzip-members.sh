#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: squashfs-tools-ng 1.2.0-1 (tar2sqfs)
# Guess: a gzip file of several members is one archive, as gzip(1) says, and as eStargz layers are
#   made.
# Behaviour: tar2sqfs stops behind the first member and ends with status 1. Several frames of zstd
#   and streams of xz are read to the end.
# Seen: "unexpected end-of-file" for gzip; both files of the archive for zstd and xz.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages squashfs-tools-ng=1.2.0-1 libsquashfs1=1.2.0-1 liblzo2-2=2.10-2 zstd=1.5.4+dfsg2-5+deb12u1 \
  xz-utils=5.4.1-1+deb12u2

head -c 300000 /dev/urandom >big
echo x >last
tar -cf whole.tar big last
split -b 100000 whole.tar part.
for program in gzip zstd xz; do
  for part in part.*; do "$program" -q -c <"$part"; done >"whole.$program"
  "$program" -q -d -c <"whole.$program" | cmp - whole.tar
done
status=0
tar2sqfs -q image <whole.gzip 2>said || status=$?
seen "the status for gzip" 1 "$status"
seen "what it says" 1 "$(grep -c "unexpected end-of-file" said)"
for program in zstd xz; do
  tar2sqfs -q -f image <"whole.$program"
  seen "$program" "big last" "$(rdsquashfs -l / image | awk '{print $NF}' | xargs)"
done
