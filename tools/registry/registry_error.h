// SPDX-License-Identifier: Apache-2.0
//
// What a registry says went wrong, in one line (distribution-spec, "Error Codes").
#ifndef VENEER_TOOLS_REGISTRY_REGISTRY_ERROR_H_
#define VENEER_TOOLS_REGISTRY_REGISTRY_ERROR_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/registry/credential.h"
#include "tools/registry/http_client.h"

namespace veneer {

struct RegistryProblem {
  std::string code;  // "MANIFEST_UNKNOWN"
  std::string message;
};

// The errors that an answer lists, those with a code that the specification knows last. Empty where
// the answer is no such list, as from a proxy. Pure.
std::vector<RegistryProblem> ProblemsOf(std::string_view body);

// "WHAT: manifest unknown (MANIFEST_UNKNOWN)", or "WHAT: the server answers with status 502 (Bad
// Gateway)". The exit code is kNotFound for 404, and the errno says what to do: EACCES for 401 and
// 403, ENOENT for 404, EAGAIN for 429 and 5xx, which another try may mend, EPROTO for the rest.
tl::unexpected<Error> RegistryError(std::string_view what, const HttpResponse& response);

// An answer, without its body where that gives back the credential that it was shown. Pure.
HttpResponse WithoutSecret(HttpResponse response, const std::optional<Credential>& credential);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_REGISTRY_ERROR_H_
