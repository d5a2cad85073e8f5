// SPDX-License-Identifier: Apache-2.0
//
// TlsSettings: how the certificate of one host is checked, and how this client proves itself. A
// value; whoever connects gives it to libcurl.
#ifndef VENEER_TOOLS_REGISTRY_TLS_SETTINGS_H_
#define VENEER_TOOLS_REGISTRY_TLS_SETTINGS_H_

#include <string>
#include <vector>

namespace veneer {

// The default: the certificate is verified by the system's authorities, and the client has none.
struct TlsSettings {
  bool verify = true;
  std::vector<std::string> ca_files;  // PEM; they count beside the system's authorities
  // PEM files of the client's certificate and its key; both are empty, or neither is.
  std::string client_cert, client_key;

  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_TLS_SETTINGS_H_
