// SPDX-License-Identifier: Apache-2.0
#include "tools/run/ulimit.h"

#include <sys/resource.h>

#include <array>
#include <optional>

#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"

namespace veneer {

namespace {

static_assert(RLIM_INFINITY == Ulimit::kUnlimited);

struct Resource {
  std::string_view name;
  __rlimit_resource number;
};

constexpr std::array kResources = {
    Resource{"as", RLIMIT_AS},
    Resource{"core", RLIMIT_CORE},
    Resource{"cpu", RLIMIT_CPU},
    Resource{"data", RLIMIT_DATA},
    Resource{"fsize", RLIMIT_FSIZE},
    Resource{"locks", RLIMIT_LOCKS},
    Resource{"memlock", RLIMIT_MEMLOCK},
    Resource{"msgqueue", RLIMIT_MSGQUEUE},
    Resource{"nice", RLIMIT_NICE},
    Resource{"nofile", RLIMIT_NOFILE},
    Resource{"nproc", RLIMIT_NPROC},
    Resource{"rss", RLIMIT_RSS},
    Resource{"rtprio", RLIMIT_RTPRIO},
    Resource{"rttime", RLIMIT_RTTIME},
    Resource{"sigpending", RLIMIT_SIGPENDING},
    Resource{"stack", RLIMIT_STACK},
};

const Resource* FindResource(std::string_view name) {
  for (const Resource& resource : kResources) {
    if (resource.name == name) return &resource;
  }
  return nullptr;
}

std::optional<uint64_t> ParseLimit(std::string_view text) {
  if (text == "-1") return Ulimit::kUnlimited;
  return ParseNumber<uint64_t>(text);
}

std::string LimitText(uint64_t limit) {
  return limit == Ulimit::kUnlimited ? "unlimited" : std::to_string(limit);
}

}  // namespace

Result<Ulimit> ParseUlimit(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return MakeError(Printable(text) + ": " + why, ExitCode::kUsage);
  };
  const size_t equal = text.find('=');
  if (equal == std::string_view::npos) return bad("it must be NAME=SOFT[:HARD]");
  const std::string_view name = text.substr(0, equal);
  if (FindResource(name) == nullptr) return bad("no limit has this name");
  const std::string_view values = text.substr(equal + 1);
  const size_t colon = values.find(':');
  const auto soft = ParseLimit(values.substr(0, colon));
  const auto hard = colon == std::string_view::npos ? soft : ParseLimit(values.substr(colon + 1));
  if (!soft || !hard) return bad("a limit is a number, or -1 for none");
  if (*soft > *hard) return bad("the soft limit is beyond the hard one");
  return Ulimit{std::string(name), *soft, *hard};
}

Result<void> CheckUlimits(const std::vector<Ulimit>& limits) {
  for (const Ulimit& limit : limits) {
    const Resource* resource = FindResource(limit.name);
    if (resource == nullptr)
      return MakeError("ulimit " + Printable(limit.name) + ": no limit has this name");
    struct rlimit own = {};
    if (::getrlimit(resource->number, &own) < 0) {
      return MakeError(Errno{errno}, "ulimit " + limit.name);
    }
    if (limit.hard > own.rlim_max || limit.soft > limit.hard) {
      return MakeError("ulimit " + limit.name + ": " + LimitText(std::max(limit.soft, limit.hard)) +
                       " is beyond the limit here, " + LimitText(own.rlim_max));
    }
  }
  return {};
}

Sys<void> SetUlimits(const std::vector<Ulimit>& limits) {
  for (const Ulimit& limit : limits) {
    const Resource* resource = FindResource(limit.name);
    if (resource == nullptr) return Fail(EINVAL);
    const struct rlimit wanted = {limit.soft, limit.hard};
    if (::setrlimit(resource->number, &wanted) < 0) return FailErrno();
  }
  return {};
}

}  // namespace veneer
