#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: umoci 0.4.7+ds-3+b7
# Guess: a global PAX header in a layer is passed over, as Docker and podman do; `git archive`
#   writes one.
# Behaviour: umoci takes the header for an entry of a kind that it does not know, and refuses the
#   layer.
# Seen: "unpack entry: pax_global_header: unknown typeflag '\x67'".
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages umoci=0.4.7+ds-3+b7 tar=1.34+dfsg-1.2+deb12u1

echo x >f
tar --format=posix --pax-option=globexthdr.name=pax_global_header,comment=x -cf layer.tar f
umoci init --layout image
umoci new --image image:x
umoci raw add-layer --image image:x layer.tar
status=0
umoci unpack --image image:x bundle 2>said || status=$?
seen "the status" 1 "$status"
seen "what it says" "unknown typeflag '\x67'" "$(grep -o "unknown typeflag '[^']*'" said | head -n 1)"
