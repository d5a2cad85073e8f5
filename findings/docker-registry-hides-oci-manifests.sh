#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: docker-registry 2.8.2+ds1-1
# Guess: HEAD of a manifest by its tag tells whether the tag is there; a client that names no media
#   types in Accept gets the manifest as it is.
# Behaviour: without OCI's type in Accept, an OCI manifest that is there is 404 MANIFEST_UNKNOWN, by
#   tag and by digest. "*/*", which curl sends, does not help.
# Seen: 404 for HEAD and GET, which says "OCI manifest found, but accept header does not support OCI
#   manifests".
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages docker-registry=2.8.2+ds1-1
registry "{enabled: true}"

url=http://$host/v2/app
type=application/vnd.oci.image.manifest.v1+json
put_blob() {
  local digest place
  digest=sha256:$(sha256sum "$1" | cut -d ' ' -f 1)
  place=$(curl -sS -D - -X POST "$url/blobs/uploads/" | tr -d '\r' | awk 'tolower($1) == "location:" {print $2}')
  curl -sSf -X PUT -H 'Content-Type: application/octet-stream' --data-binary @"$1" "$place&digest=$digest"
  printf '"digest":"%s","size":%s' "$digest" "$(stat -c %s "$1")"
}
printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}' >config
described=$(put_blob config)
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[]}' \
  "$type" "$described" >manifest
curl -sSf -X PUT -H "Content-Type: $type" --data-binary @manifest "$url/manifests/1"
digest=sha256:$(sha256sum manifest | cut -d ' ' -f 1)
for reference in 1 "$digest"; do
  seen "HEAD with the type, ${reference%%:*}" 200 \
    "$(curl -sS -o answer -w '%{http_code}' -I -H "Accept: $type" "$url/manifests/$reference")"
  seen "HEAD without, ${reference%%:*}" 404 "$(curl -sS -o answer -w '%{http_code}' -I "$url/manifests/$reference")"
done
seen "what GET without says" 1 \
  "$(curl -sS "$url/manifests/1" | grep -c "MANIFEST_UNKNOWN.*OCI manifest found, but accept header does not support")"
