// SPDX-License-Identifier: Apache-2.0
//
// RegistriesConfig: which registries a name may be of, and how each is reached. It joins the
// configuration of the containers tools with Docker's, which counts where the former says nothing
// of a registry. Nothing here speaks to a registry.
// Immutable after reading, and so thread-safe.
#ifndef VENEER_TOOLS_REGISTRY_REGISTRIES_CONFIG_H_
#define VENEER_TOOLS_REGISTRY_REGISTRIES_CONFIG_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/model/reference.h"
#include "tools/registry/config_places.h"
#include "tools/registry/docker_daemon_config.h"
#include "tools/registry/registries_conf.h"
#include "tools/registry/tls_settings.h"

namespace veneer {

// The server of Docker Hub's images.
inline constexpr std::string_view kHubServer = "registry-1.docker.io";

// One repository at one server.
struct Endpoint {
  std::string host;         // "example.org:5000", "registry-1.docker.io"
  std::string prefix;       // in front of /v2/: "" or "/mirror"
  std::string repository;   // "library/debian", as that host calls it; empty for a whole registry
  bool plain_http = false;  // http:// is tried where https:// is not answered
  bool only_http = false;   // https:// is not tried: the administrator wrote http://
  bool insecure = false;    // https:// without verification is allowed; implies plain_http
  bool mirror = false;
  TlsSettings tls;  // of this host alone
};

class RegistriesConfig {
 public:
  // Error: a damaged file, one line with its name, the line and the reason.
  static Result<RegistriesConfig> Read(ConfigPlaces places = ConfigPlaces::OfThisProcess());

  // The images that a name may stand for, in the order in which they are tried. A name with a host
  // stands for itself. A short name stands for its alias, or for one image of each
  // unqualified-search registry; if there are neither, it is Docker Hub's, as for Docker.
  // Errors: no image name; several search registries where `short-name-mode` is "enforcing".
  Result<std::vector<Reference>> Candidates(const std::string& name) const;

  // Where an image is pulled from, in the order in which the endpoints are tried: mirrors first,
  // the registry's own location last. Mirrors that the configuration blocks are left out.
  // Errors: the registry is blocked; a location makes no valid name; certs.d (certificates.h).
  Result<std::vector<Endpoint>> PullEndpoints(const Reference& reference) const;
  // Where an image is pushed to: the host that its name has, never a mirror and never another
  // location (containers-registries.conf(5), "Remapping and mirroring registries").
  // Errors: as above.
  Result<Endpoint> PushEndpoint(const Reference& reference) const;
  // A registry as a whole, for login and the catalogue. `host` as in an image name; "docker.io" is
  // Docker Hub. Errors: as above, and a host that is none.
  Result<Endpoint> EndpointOf(const std::string& host) const;

  // credential-helpers of registries.conf, for CredentialStore::Open().
  const std::vector<std::string>& CredentialHelpers() const { return conf_.credential_helpers(); }

  // The mirrors of Docker Hub, for people: locations of registries.conf, else Docker's URLs.
  std::vector<std::string> Mirrors() const;

 private:
  // The repository of a host that is there. `insecure`: as the table says that names the host;
  // nullopt where none does.
  Result<Endpoint> At(const std::string& host, const std::string& repository,
                      std::optional<bool> insecure) const;
  // Error: the table of `name`, a host or host and repository, blocks it.
  Result<void> CheckNotBlocked(const std::string& name) const;

  ConfigPlaces places_;
  RegistriesConf conf_;
  DockerDaemonConfig docker_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_REGISTRIES_CONFIG_H_
