// SPDX-License-Identifier: Apache-2.0
//
// The directories certs.d of the containers tools and of Docker: private authorities and client
// certificates, by host (containers-certs.d(5), and Docker's "Verify repository client with
// certificates"). Thread-safe: nothing is kept.
#ifndef VENEER_TOOLS_REGISTRY_CERTIFICATES_H_
#define VENEER_TOOLS_REGISTRY_CERTIFICATES_H_

#include <string>

#include "layerdb/base/result.h"
#include "tools/registry/config_places.h"
#include "tools/registry/tls_settings.h"

namespace veneer {

// What the first directory certs.d/HOST that is there says, the user's before the system's and
// containers' before Docker's; the others are not read then. `host` is written as in an image name,
// with the port or without: a directory with a port is not for the host without one. "docker.io" is
// the Hub. *.crt are authorities; the first *.cert with its *.key, by name, is the client's
// certificate.
// Errors: a certificate without its key or the reverse; a directory that cannot be read, but for
// one that this user may not read, which is passed over.
Result<TlsSettings> TlsSettingsOf(const ConfigPlaces& places, const std::string& host);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_CERTIFICATES_H_
