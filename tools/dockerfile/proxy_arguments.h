// SPDX-License-Identifier: Apache-2.0
//
// The arguments that every build takes without an ARG (the Dockerfile reference, "Predefined
// ARGs"), in upper and in lower case.
#ifndef VENEER_TOOLS_DOCKERFILE_PROXY_ARGUMENTS_H_
#define VENEER_TOOLS_DOCKERFILE_PROXY_ARGUMENTS_H_

#include <array>
#include <string_view>

namespace veneer {

inline constexpr std::array<std::string_view, 5> kProxyArguments = {
    "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"};

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_PROXY_ARGUMENTS_H_
