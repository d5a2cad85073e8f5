// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/platform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace veneer {

namespace {

constexpr int kExact = 100;

bool IsWord(std::string_view text) {
  const auto is_alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 64 && is_alnum(text[0]) &&
         std::ranges::all_of(
             text, [&](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

constexpr std::array<std::string_view, 9> kArchitectures = {
    "amd64", "arm64", "arm", "386", "ppc64le", "s390x", "riscv64", "loong64", "mips64le"};

// Go's name of an architecture that uname(2) or other tools call otherwise.
std::string GoName(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kOtherNames = {
      {{"x86_64", "amd64"},
       {"x86-64", "amd64"},
       {"aarch64", "arm64"},
       {"i386", "386"},
       {"i686", "386"},
       {"armv7l", "arm"},
       {"armv6l", "arm"},
       {"loongarch64", "loong64"}}};
  for (const auto& [other, go] : kOtherNames) {
    if (name == other) return std::string(go);
  }
  return std::string(name);
}

// The one spelling of those that mean the same: arm64 is v8, arm is v7, amd64 is v1.
Platform Canonical(Platform platform) {
  platform.architecture = GoName(platform.architecture);
  if (platform.architecture == "arm64" && platform.variant.empty()) platform.variant = "v8";
  if (platform.architecture == "arm" && platform.variant.empty()) platform.variant = "v7";
  if (platform.architecture == "amd64" && platform.variant == "v1") platform.variant.clear();
  return platform;
}

// "v7" as 7; 0: no such variant.
int ArmVersion(const std::string& variant) {
  return variant.size() == 2 && variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9'
             ? variant[1] - '0'
             : 0;
}

}  // namespace

std::string Platform::ToString() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

Result<Platform> ParsePlatform(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view rest = text;;) {
    const size_t slash = rest.find('/');
    words.emplace_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (words.size() == 1 && words[0] != "linux" &&
      std::ranges::find(kArchitectures, GoName(words[0])) != kArchitectures.end()) {
    words.insert(words.begin(), "linux");
  }
  if (words == std::vector<std::string>{"linux"}) return HostPlatform();
  if (words.size() < 2 || words.size() > 3 || !std::ranges::all_of(words, IsWord)) {
    return MakeError(
        "'" + std::string(text) + "' is not a platform: OS/ARCH[/VARIANT], as in linux/arm64",
        ExitCode::kUsage);
  }
  Platform platform{words[0], GoName(words[1]), words.size() == 3 ? words[2] : ""};
  if (platform.architecture == "arm64" && platform.variant.empty()) platform.variant = "v8";
  return platform;
}

Platform HostPlatform() {
  struct utsname host;
  if (uname(&host) < 0) return {"linux", "unknown", ""};
  const std::string_view machine = host.machine;
  const std::string name = GoName(machine);
  const char* variant = name == "arm64"       ? "v8"
                        : machine == "armv7l" ? "v7"
                        : machine == "armv6l" ? "v6"
                                              : "";
  return {"linux", name, variant};
}

int PlatformFit(const Platform& wanted, const Platform& has) {
  const Platform a = Canonical(wanted);
  const Platform b = Canonical(has);
  if (a.os != b.os || a.architecture != b.architecture) return 0;
  if (a.variant == b.variant) return kExact;
  if (a.architecture != "arm") return 0;
  const int want = ArmVersion(a.variant);
  const int have = ArmVersion(b.variant);
  return have > 0 && have < want ? have : 0;
}

}  // namespace veneer
