#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: libarchive-tools 3.6.2-1+deb12u5 (bsdtar), cpio 2.13+dfsg-7.1
# Guess: `bsdtar -cf OUT.tar @IN.cpio` gives an archive with the same files.
# Behaviour: newc has the contents of a file with several names at its last name; tar wants them at
#   the first. bsdtar writes an empty file and hard links to it, says nothing and ends with status
#   0.
# Seen: 0 bytes under each name. `bsdtar -x` of the same cpio archive gives the contents.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages libarchive-tools=3.6.2-1+deb12u5 libarchive13=3.6.2-1+deb12u5 libxml2=2.9.14+dfsg-1.3~deb12u6 \
  libicu72=72.1-3+deb12u1 libnettle8=3.8.1-2 cpio=2.13+dfsg-7.1

echo contents >one
ln one two
printf '%s\n' one two | cpio --quiet -o -H newc >in.cpio
mkdir direct converted
bsdtar -xf in.cpio -C direct
seen "unpacked from cpio" "contents contents" "$(cat direct/one direct/two | xargs)"
bsdtar --format=pax -cf out.tar @in.cpio
tar -xf out.tar -C converted
seen "the size by way of tar" "0 0" "$(stat -c %s converted/one converted/two | xargs)"
