// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/authorities.h"

#include <cstdlib>

#include "layerdb/base/files.h"

namespace veneer {

namespace {

constexpr uint64_t kMaxBundle = uint64_t{16} << 20;
// Debian and its kin, Fedora and its kin, SUSE, Alpine and BSD.
constexpr const char* kSystemBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/var/lib/ca-certificates/ca-bundle.pem", "/etc/ssl/cert.pem"};

std::string SystemAuthorities() {
  if (const char* named = getenv("SSL_CERT_FILE"); named != nullptr) {
    return ReadFile(named, kMaxBundle).value_or("");
  }
  for (const char* path : kSystemBundles) {
    if (Sys<std::string> bundle = ReadFile(path, kMaxBundle)) return *std::move(bundle);
  }
  return {};
}

}  // namespace

Result<std::string> ReadAuthorities(const TlsSettings& tls) {
  if (tls.ca_files.empty()) return std::string();
  std::string all = SystemAuthorities();
  for (const std::string& path : tls.ca_files) {
    VENEER_TRY_CTX(const std::string pem, ReadFile(path, kMaxBundle), path);
    if (pem.find("-----BEGIN ") == std::string::npos) {
      return MakeError(path + ": not a certificate in PEM");
    }
    all += "\n" + pem;
  }
  return all;
}

}  // namespace veneer
