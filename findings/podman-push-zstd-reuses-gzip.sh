#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: podman 4.3.1+ds1-8+deb12u1+b3, docker-registry 2.8.2+ds1-1
# Guess: `podman push --compression-format zstd` sends layers that zstd has compressed.
# Behaviour: where the repository has the layer as gzip, from an earlier push of this user, that
#   blob is named again and nothing is said. The option counts for layers that the registry lacks.
# Seen: zstd into a repository of another registry; gzip where a push without the option came
#   before.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages docker-registry=2.8.2+ds1-1 podman=4.3.1+ds1-8+deb12u1+b3
registry "{enabled: true}"

export STORAGE_DRIVER=vfs CONTAINERS_CONF=/dev/null
mkdir config
printf '[]' >registries.conf
printf '{"default":[{"type":"insecureAcceptAnything"}]}' >config/policy.json
mkdir -p .config/containers
cp config/policy.json .config/containers/
podman() { command podman --root "$work/storage" --runroot "$work/run" --log-level error "$@"; }
echo x >f
tar -cf layer.tar f
podman import -q layer.tar localhost/app:1 >id
push() { podman push -q --tls-verify=false "$@"; }
types() {
  curl -sSf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$host/v2/$1" |
    python3 -c 'import json, sys; print(*[layer["mediaType"] for layer in json.load(sys.stdin)["layers"]])'
}
push localhost/app:1 "docker://$host/app:gzip"
push --compression-format zstd localhost/app:1 "docker://$host/app:zstd"
seen "zstd behind gzip" application/vnd.oci.image.layer.v1.tar+gzip "$(types app/manifests/zstd)"
kill "$registry_pid"
wait "$registry_pid" || true
rm -r registry
registry "{enabled: true}" # at another port: podman has seen nothing of it
push --compression-format zstd localhost/app:1 "docker://$host/app:zstd"
seen "zstd first" application/vnd.oci.image.layer.v1.tar+zstd "$(types app/manifests/zstd)"
