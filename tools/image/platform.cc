// SPDX-License-Identifier: Apache-2.0
#include "tools/image/platform.h"

#include <algorithm>
#include <vector>

#include "tools/image/config.h"

namespace veneer {

namespace {

constexpr int kExact = 100;

bool IsWord(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

// The one spelling of those that mean the same: arm64 is v8, arm is v7, amd64 is v1.
Platform Canonical(Platform platform) {
  if (platform.architecture == "x86_64" || platform.architecture == "x86-64") {
    platform.architecture = "amd64";
  } else if (platform.architecture == "aarch64") {
    platform.architecture = "arm64";
  }
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
  if (words.size() < 2 || words.size() > 3 || !std::ranges::all_of(words, IsWord)) {
    return MakeError(
        "'" + std::string(text) + "' is not a platform: OS/ARCH[/VARIANT], as in linux/arm64",
        ExitCode::kUsage);
  }
  return Canonical({words[0], words[1], words.size() == 3 ? words[2] : ""});
}

Platform HostPlatform() {
  const Architecture host = HostArchitecture();
  return Canonical({"linux", host.name, host.variant});
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
