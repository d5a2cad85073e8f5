#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: umoci 0.4.7+ds-3+b7, tar 1.34+dfsg-1.2+deb12u1, libarchive-tools 3.6.2-1+deb12u5
#   (bsdtar)
# Guess: the layer that `umoci insert` makes is a whole tar archive: blocks of 512 bytes and an end
#   mark.
# Behaviour: it ends with the last byte of the last file. Go's reader, which umoci and Docker have,
#   takes it. GNU tar and bsdtar unpack the file and then fail.
# Seen: 514 bytes for a file of 2; "Unexpected EOF in archive" with status 2, "Truncated input file"
#   with status 1.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages umoci=0.4.7+ds-3+b7 tar=1.34+dfsg-1.2+deb12u1 libarchive-tools=3.6.2-1+deb12u5 libarchive13=3.6.2-1+deb12u5 \
  libxml2=2.9.14+dfsg-1.3~deb12u6 libicu72=72.1-3+deb12u1 libnettle8=3.8.1-2

echo x >f
umoci init --layout image
umoci new --image image:x
umoci insert --image image:x f /f
for blob in image/blobs/sha256/*; do gzip -q -d -c "$blob" >layer.tar 2>/dev/null && break; done
seen "the size of the layer" 514 "$(stat -c %s layer.tar)"
umoci unpack --image image:x bundle
seen "umoci reads it" x "$(cat bundle/rootfs/f)"
status=0
tar -tf layer.tar >/dev/null 2>said || status=$?
seen "GNU tar" "2 1" "$status $(grep -c "Unexpected EOF in archive" said)"
status=0
bsdtar -tf layer.tar >/dev/null 2>said || status=$?
seen "bsdtar" "1 1" "$status $(grep -c "Truncated input file" said)"
