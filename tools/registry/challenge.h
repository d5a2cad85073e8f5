// SPDX-License-Identifier: Apache-2.0
//
// How a server asks who somebody is: the header WWW-Authenticate (RFC 9110, section 11.6.1; token
// services: distribution, "Token Authentication Specification"). Pure functions.
#ifndef VENEER_TOOLS_REGISTRY_CHALLENGE_H_
#define VENEER_TOOLS_REGISTRY_CHALLENGE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace veneer {

struct Challenge {
  std::string scheme;                         // in lower case: "bearer", "basic"
  std::map<std::string, std::string> values;  // names in lower case: "realm", "service", "scope"
};

// The challenges of one header, in its order. What cannot be read ends the list.
std::vector<Challenge> ParseChallenges(std::string_view header);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_CHALLENGE_H_
