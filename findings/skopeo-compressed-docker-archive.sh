#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: skopeo 1.9.3+ds1-1+b10, umoci 0.4.7+ds-3+b7 to make the image
# Guess: skopeo reads a docker-archive that gzip has compressed, as `docker load` does.
# Behaviour: it does not read one of its own making. The plain archive is read; plain and compressed
#   hold the same bytes.
# Seen: "loading tar component manifest.json: unexpected EOF", status 1.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages skopeo=1.9.3+ds1-1+b10 libgpgme11=1.18.0-3+deb12u1 libassuan0=2.5.5-5 libdevmapper1.02.1=2:1.02.185-2 \
  umoci=0.4.7+ds-3+b7

copy() { skopeo --insecure-policy --tmpdir "$PWD" copy -q "$@"; }
echo x >f
tar -cf layer.tar f
umoci init --layout image
umoci new --image image:x
umoci raw add-layer --image image:x layer.tar
copy oci:image:x docker-archive:plain.tar:x:1
gzip -c plain.tar >compressed.tar.gz
copy docker-archive:plain.tar oci:second:x
status=0
copy docker-archive:compressed.tar.gz oci:third:x 2>said || status=$?
seen "the status" 1 "$status"
seen "what it says" 1 "$(grep -c "loading tar component manifest.json: unexpected EOF" said)"
