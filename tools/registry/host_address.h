// SPDX-License-Identifier: Apache-2.0
//
// The addresses behind the host of a registry: loopback, and the ranges of `insecure-registries`.
// Its place is below the configuration, which decides by them.
#ifndef VENEER_TOOLS_REGISTRY_HOST_ADDRESS_H_
#define VENEER_TOOLS_REGISTRY_HOST_ADDRESS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace veneer {

// "example.org" of "example.org:5000", "::1" of "[::1]:5000".
std::string_view HostWithoutPort(std::string_view host);

// True for 127.0.0.0/8, ::1 and localhost, with a port or without. Asks no name server, so that no
// name server makes a host a loopback address.
bool IsLoopback(std::string_view host);

struct IpAddress {
  // IPv4 in the first four bytes, in network order.
  std::array<uint8_t, 16> bytes{};
  unsigned bits = 0;  // 32 or 128
};

// Addresses that share their first bits, in CIDR notation: 10.0.0.0/8.
class IpRange {
 public:
  // nullopt: `text` is not such a range.
  static std::optional<IpRange> Parse(std::string_view text);
  bool Contains(const IpAddress& address) const;

 private:
  IpAddress first_;
  unsigned prefix_ = 0;
};

// The addresses of a host without a port: those that it writes, or those of the name. None for a
// name that is not found. May wait for a name server.
std::vector<IpAddress> AddressesOf(const std::string& host);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_HOST_ADDRESS_H_
