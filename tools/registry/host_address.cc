// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/host_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "layerdb/base/parse.h"

namespace veneer {

namespace {

std::optional<IpAddress> ParseAddress(const std::string& text) {
  IpAddress address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
    address.bits = 32;
  } else if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
    address.bits = 128;
  } else {
    return std::nullopt;
  }
  return address;
}

}  // namespace

std::string_view HostWithoutPort(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  // Two colons without brackets are an IPv6 address alone.
  const size_t colon = host.find(':');
  return colon == host.rfind(':') ? host.substr(0, colon) : host;
}

bool IsLoopback(std::string_view host) {
  const std::string name(HostWithoutPort(host));
  if (name == "localhost") return true;
  const std::optional<IpAddress> address = ParseAddress(name);
  return address && (IpRange::Parse("127.0.0.0/8")->Contains(*address) ||
                     IpRange::Parse("::1/128")->Contains(*address));
}

std::optional<IpRange> IpRange::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<IpAddress> first = ParseAddress(std::string(text.substr(0, slash)));
  IpRange range;
  if (!first || !ParseNumber(text.substr(slash + 1), &range.prefix_)) return std::nullopt;
  if (range.prefix_ > first->bits) return std::nullopt;
  range.first_ = *first;
  return range;
}

bool IpRange::Contains(const IpAddress& address) const {
  if (address.bits != first_.bits) return false;
  const size_t whole = prefix_ / 8;
  if (std::memcmp(address.bytes.data(), first_.bytes.data(), whole) != 0) return false;
  const unsigned rest = prefix_ % 8;
  if (rest == 0) return true;
  return (address.bytes[whole] ^ first_.bytes[whole]) >> (8 - rest) == 0;
}

std::vector<IpAddress> AddressesOf(const std::string& host) {
  if (const std::optional<IpAddress> address = ParseAddress(host)) return {*address};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<IpAddress> addresses;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    IpAddress address;
    if (entry->ai_family == AF_INET) {
      address.bits = 32;
      const void* const from = &reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_addr;
      std::memcpy(address.bytes.data(), from, 4);
    } else if (entry->ai_family == AF_INET6) {
      address.bits = 128;
      const void* const from = &reinterpret_cast<const sockaddr_in6*>(entry->ai_addr)->sin6_addr;
      std::memcpy(address.bytes.data(), from, 16);
    } else {
      continue;
    }
    addresses.push_back(address);
  }
  freeaddrinfo(found);
  return addresses;
}

}  // namespace veneer
