#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: squashfs-tools 1:4.5.1-1 (sqfstar), tar 1.34+dfsg-1.2+deb12u1
# Guess: an archive of `tar --listed-incremental` gives the same names with sqfstar as with GNU tar.
#   The entry of type D may be refused.
# Behaviour: GNU tar writes the access and change times of a file where ustar has the prefix of its
#   name. sqfstar takes them for the prefix, though the header has GNU's magic: every file lies in a
#   directory that is called like a time.
# Seen: "15303567347/d/f" in place of "d/f": eleven octal digits.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages squashfs-tools=1:4.5.1-1 liblzo2-2=2.10-2 tar=1.34+dfsg-1.2+deb12u1

mkdir d
echo x >d/f
tar --listed-incremental=snapshot -cf incremental.tar d
seen "GNU tar" "d/ d/f" "$(tar -tf incremental.tar | xargs)"
sqfstar image <incremental.tar >/dev/null 2>&1
seen "the image of sqfstar" "NUMBER/d/f" "$(unsquashfs -lc image | sed -n 's,^squashfs-root/[0-7]\{11\}/,NUMBER/,p')"
