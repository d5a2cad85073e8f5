// SPDX-License-Identifier: Apache-2.0
//
// URLs of web servers (RFC 3986), as libcurl reads them, so that what is looked at here is what is
// called later.
#ifndef VENEER_TOOLS_REGISTRY_URL_H_
#define VENEER_TOOLS_REGISTRY_URL_H_

#include <string>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

// True for what begins with http:// or https://.
bool IsHttpUrl(std::string_view text);

// The URL as it may be shown and kept: without a user and password.
std::string WithoutPassword(std::string_view url);
// The same without a query, which may be a signature that lets in whoever has it; control
// characters are escaped.
std::string PrintableUrl(std::string_view url);

// Letters of ASCII in lower case.
std::string LowerCase(std::string_view text);

// `text` with everything escaped that is not a letter, a digit or one of "-._~" and `also`.
std::string EscapeForUrl(std::string_view text, std::string_view also = "");

struct UrlParts {
  std::string scheme;  // in lower case
  std::string host;    // in lower case, with its port where that is not the scheme's own
  bool loopback = false;
  friend bool operator==(const UrlParts&, const UrlParts&) = default;
};
// Failure: no URL of http or https, or libcurl is not there.
Result<UrlParts> ParseUrl(const std::string& url);

// Where `location`, absolute or relative, leads from `base`. Failure: to no URL of http or https;
// or from https to http.
Result<std::string> ResolveUrl(const std::string& base, std::string_view location);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_URL_H_
