// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/config_values.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "layerdb/base/parse.h"
#include "tools/dockerfile/words.h"
#include "tools/format/go_duration.h"

namespace veneer {

namespace {

constexpr int64_t kMillisecond = 1'000'000;

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<uint32_t> Port(std::string_view text) {
  if (!IsNumber(text)) return std::nullopt;
  const auto port = ParseNumber<uint32_t>(text);
  if (!port || *port < 1 || *port > 65'535) return std::nullopt;
  return port;
}

// PORT or PORT-PORT.
std::optional<std::pair<uint32_t, uint32_t>> PortRange(std::string_view text) {
  const size_t dash = text.find('-');
  const std::optional<uint32_t> first = Port(text.substr(0, dash));
  const std::optional<uint32_t> last =
      dash == std::string_view::npos ? first : Port(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return std::pair(*first, *last);
}

// What stands before a port: nothing, HOST, or IP:HOST with an empty HOST for any. Several ports
// need as many of the host.
bool IsHostPart(std::string_view text, std::pair<uint32_t, uint32_t> ports) {
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    constexpr std::string_view kOfAddresses = "0123456789abcdefABCDEF.:[]";
    if (text.substr(0, colon).find_first_not_of(kOfAddresses) != std::string_view::npos) {
      return false;
    }
    text.remove_prefix(colon + 1);
  }
  if (text.empty()) return true;
  const auto host = PortRange(text);
  const uint32_t more = ports.second - ports.first;
  return host && (more == 0 || host->second - host->first == more);
}

// A name, or a number below 2^31.
bool IsAccount(std::string_view text) {
  if (text.empty()) return false;
  if (IsNumber(text)) return ParseNumber<int32_t>(text).has_value();
  return text.front() != '-' && std::ranges::all_of(text, [](char c) {
           return static_cast<unsigned char>(c) > ' ' && c != ':' && c != '/' && c != 0x7F;
         });
}

}  // namespace

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

Result<void> AddPorts(std::string_view text, std::vector<std::string>* ports) {
  const size_t slash = text.find('/');
  std::string protocol = "tcp";
  if (slash != std::string_view::npos) {
    protocol = text.substr(slash + 1);
    for (char& c : protocol) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
      return InstructionError("'" + std::string(text) + "': the protocol is tcp, udp or sctp");
    }
  }
  // [[IP:]HOST:]PORT
  std::string_view range = text.substr(0, slash);
  const size_t colon = range.rfind(':');
  const std::string_view host = colon == std::string_view::npos ? "" : range.substr(0, colon);
  if (colon != std::string_view::npos) range.remove_prefix(colon + 1);
  const auto ports_of_range = PortRange(range);
  if (!ports_of_range || !IsHostPart(host, *ports_of_range)) {
    return InstructionError("'" + std::string(text) +
                            "' is not PORT[-PORT][/PROTOCOL], ports from 1 to 65535");
  }
  const auto& [first, last] = *ports_of_range;
  for (uint32_t port = first; port <= last; ++port) {
    ports->push_back(std::to_string(port) + "/" + protocol);
  }
  return {};
}

Result<void> CheckUser(std::string_view text) {
  const size_t colon = text.find(':');
  const bool good = IsAccount(text.substr(0, colon)) &&
                    (colon == std::string_view::npos || IsAccount(text.substr(colon + 1)));
  if (good) return {};
  return InstructionError("'" + std::string(text) +
                          "' is not USER[:GROUP], names or numbers of at most 2147483647");
}

bool IsSignal(std::string_view text) {
  // Numbers are those of most machines; other machines have the same names.
  constexpr std::array<std::string_view, 34> kNames = {
      "HUP",  "INT",  "QUIT", "ILL",   "TRAP", "ABRT", "IOT",   "BUS",    "FPE",
      "KILL", "USR1", "SEGV", "USR2",  "PIPE", "ALRM", "TERM",  "STKFLT", "CHLD",
      "CLD",  "CONT", "STOP", "TSTP",  "TTIN", "TTOU", "URG",   "XCPU",   "XFSZ",
      "PROF", "IO",   "POLL", "WINCH", "PWR",  "SYS",  "VTALRM"};
  constexpr uint32_t kLast = 64;
  constexpr uint32_t kRealTime = 30;  // SIGRTMIN is 34 to the C library, SIGRTMAX 64
  if (IsNumber(text)) {
    const auto number = ParseNumber<uint32_t>(text);
    return number && *number >= 1 && *number <= kLast;
  }
  const std::string upper = UpperCase(text);
  std::string_view name = upper;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  if (std::ranges::find(kNames, name) != kNames.end()) return true;
  for (const auto& [base, sign] :
       std::array<std::pair<std::string_view, char>, 2>{{{"RTMIN", '+'}, {"RTMAX", '-'}}}) {
    if (!name.starts_with(base)) continue;
    const std::string_view rest = name.substr(base.size());
    if (rest.empty()) return true;
    if (rest.front() != sign || !IsNumber(rest.substr(1))) return false;
    const auto number = ParseNumber<uint32_t>(rest.substr(1));
    return number && *number <= kRealTime;
  }
  return false;
}

std::string JoinPath(std::string_view base, std::string_view path) {
  std::vector<std::string_view> parts;
  const auto walk = [&](std::string_view text) {
    while (!text.empty()) {
      const size_t slash = text.find('/');
      const std::string_view part = text.substr(0, slash);
      text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
      if (part.empty() || part == ".") continue;
      if (part != "..") {
        parts.push_back(part);
      } else if (!parts.empty()) {
        parts.pop_back();
      }
    }
  };
  if (!path.starts_with('/')) walk(base);
  walk(path);
  std::string joined;
  for (const std::string_view part : parts) joined.append("/").append(part);
  return joined.empty() ? "/" : joined;
}

Result<HealthcheckOptions> ParseHealthcheckOptions(const std::vector<InstructionFlag>& flags) {
  // The option, its name in the config, whether it is a time.
  struct Known {
    std::string_view option;
    const char* member;
    bool time;
  };
  constexpr std::array<Known, 5> kKnown = {{{"--interval", "Interval", true},
                                            {"--timeout", "Timeout", true},
                                            {"--start-period", "StartPeriod", true},
                                            {"--start-interval", "StartInterval", true},
                                            {"--retries", "Retries", false}}};
  HealthcheckOptions out;
  for (const InstructionFlag& flag : flags) {
    const std::string name = "--" + flag.name;
    const auto known = std::ranges::find(kKnown, name, &Known::option);
    if (known == kKnown.end()) return InstructionError("no option '" + name + "'");
    if (!flag.value) return InstructionError(name + " needs a value, with =");
    for (const auto& [member, value] : out) {
      if (member == known->member) return InstructionError(name + " may be given only once");
    }
    const std::string& value = *flag.value;
    const std::string shown = std::string(name).append("=").append(value);
    std::optional<int64_t> number;
    if (known->time) {
      number = ParseGoDuration(value);
      if (!number || *number < 0 || (*number > 0 && *number < kMillisecond)) {
        return InstructionError(shown + ": a time is like 1m30s, and at least 1ms");
      }
    } else {
      number = IsNumber(value) ? ParseNumber<int64_t>(value) : std::nullopt;
      if (!number || *number > std::numeric_limits<int32_t>::max()) {
        return InstructionError(shown + ": not a number of times");
      }
    }
    out.emplace_back(known->member, *number);
  }
  return out;
}

}  // namespace veneer
