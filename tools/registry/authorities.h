// SPDX-License-Identifier: Apache-2.0
//
// The authorities that a connection is checked against.
#ifndef VENEER_TOOLS_REGISTRY_AUTHORITIES_H_
#define VENEER_TOOLS_REGISTRY_AUTHORITIES_H_

#include <string>

#include "layerdb/base/result.h"
#include "tools/registry/tls_settings.h"

namespace veneer {

// The certificates of the system and those of `tls.ca_files`, in PEM. Empty where `tls` names none:
// libcurl then takes those of the system. Errors name the file that cannot be read.
Result<std::string> ReadAuthorities(const TlsSettings& tls);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_AUTHORITIES_H_
