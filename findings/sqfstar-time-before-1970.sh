#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: squashfs-tools 1:4.5.1-1 (sqfstar), tar 1.34+dfsg-1.2+deb12u1
# Guess: squashfs has no time before 1970, so sqfstar takes the time of such a file for 1970.
# Behaviour: it takes no PAX record with a negative time, and for one such file it refuses the whole
#   archive.
# Seen: "Failed to parse pax header", status 1, no image.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages squashfs-tools=1:4.5.1-1 liblzo2-2=2.10-2 tar=1.34+dfsg-1.2+deb12u1

echo x >f
touch -d @-5 f
tar --format=posix -cf old.tar f
status=0
sqfstar image <old.tar >/dev/null 2>said || status=$?
seen "the status" 1 "$status"
seen "what it says" 1 "$(grep -c "Failed to parse pax header" said)"
seen "the image" "" "$(find . -maxdepth 1 -name image)"
