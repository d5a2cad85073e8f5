// SPDX-License-Identifier: Apache-2.0
#include "tools/run/seccomp_profile.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "layerdb/base/files.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"
#include "tools/format/json.h"

namespace veneer {

namespace {

// A profile with a rule for each system call of each architecture has a tenth of it.
constexpr size_t kMaxProfile = 1 << 20;

constexpr std::array kActions = {
    std::pair{"SCMP_ACT_ALLOW", SeccompAction::kAllow},
    std::pair{"SCMP_ACT_ERRNO", SeccompAction::kErrno},
    std::pair{"SCMP_ACT_TRAP", SeccompAction::kTrap},
    std::pair{"SCMP_ACT_TRACE", SeccompAction::kTrace},
    std::pair{"SCMP_ACT_LOG", SeccompAction::kLog},
    std::pair{"SCMP_ACT_KILL", SeccompAction::kKillThread},
    std::pair{"SCMP_ACT_KILL_THREAD", SeccompAction::kKillThread},
    std::pair{"SCMP_ACT_KILL_PROCESS", SeccompAction::kKillProcess},
};

constexpr std::array kOperators = {
    std::pair{"SCMP_CMP_NE", SeccompOperator::kNotEqual},
    std::pair{"SCMP_CMP_LT", SeccompOperator::kLess},
    std::pair{"SCMP_CMP_LE", SeccompOperator::kLessOrEqual},
    std::pair{"SCMP_CMP_EQ", SeccompOperator::kEqual},
    std::pair{"SCMP_CMP_GE", SeccompOperator::kGreaterOrEqual},
    std::pair{"SCMP_CMP_GT", SeccompOperator::kGreater},
    std::pair{"SCMP_CMP_MASKED_EQ", SeccompOperator::kMaskedEqual},
};

template <class Table>
auto Lookup(const Table& table, std::string_view word)
    -> std::optional<typename Table::value_type::second_type> {
  for (const auto& [name, value] : table) {
    if (word == name) return value;
  }
  return std::nullopt;
}

bool Contains(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

Result<std::optional<uint64_t>> GetNumber(const Json& object, const char* key, uint64_t most) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return std::optional<uint64_t>();
  if (!member->is_number_unsigned() || member->get<uint64_t>() > most) {
    return MakeError(std::string(key) + " is no number from 0 to " + std::to_string(most));
  }
  return std::optional<uint64_t>(member->get<uint64_t>());
}

// The kernel's largest errno (MAX_ERRNO).
constexpr uint64_t kMaxErrno = 4095;

// An errno by number, or by its name, which wins.
Result<std::optional<uint64_t>> GetErrno(const Json& object, const char* number, const char* name) {
  VENEER_TRY(const std::string word, GetStringOrEmpty(object, name));
  if (word.empty()) return GetNumber(object, number, kMaxErrno);
  for (int code = 1; code < static_cast<int>(kMaxErrno); ++code) {
    const char* known = strerrorname_np(code);
    if (known != nullptr && word == known) return std::optional<uint64_t>(code);
  }
  return MakeError(std::string(name) + ": " + Printable(word) + " is no errno");
}

Result<SeccompVerdict> ParseVerdict(const Json& object, const char* action, const char* number,
                                    const char* name) {
  VENEER_TRY(const std::string word, GetStringOrEmpty(object, action));
  const auto known = Lookup(kActions, word);
  if (!known)
    return MakeError(std::string(action) + ": '" + Printable(word) + "' is not supported");
  VENEER_TRY(const std::optional<uint64_t> code, GetErrno(object, number, name));
  const bool takes_code = *known == SeccompAction::kErrno || *known == SeccompAction::kTrace;
  return SeccompVerdict{*known,
                        takes_code ? static_cast<uint16_t>(code.value_or(EPERM)) : uint16_t{0}};
}

Result<SeccompCondition> ParseCondition(const Json& object) {
  if (!object.is_object()) return MakeError("it is no object");
  constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
  VENEER_TRY(const std::optional<uint64_t> index, GetNumber(object, "index", 5));
  VENEER_TRY(const std::optional<uint64_t> value, GetNumber(object, "value", kAny));
  VENEER_TRY(const std::optional<uint64_t> value_two, GetNumber(object, "valueTwo", kAny));
  VENEER_TRY(const std::string word, GetStringOrEmpty(object, "op"));
  const auto op = Lookup(kOperators, word);
  if (!op) return MakeError("op: '" + Printable(word) + "' is not supported");
  return SeccompCondition{static_cast<unsigned>(index.value_or(0)), *op, value.value_or(0),
                          value_two.value_or(0)};
}

// "4.8" of "4.8", "4.8.0-rc1" and the like.
std::optional<std::pair<unsigned, unsigned>> KernelVersion(std::string_view text) {
  unsigned major = 0;
  unsigned minor = 0;
  if (!TakeNumber(&text, &major) || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  if (!TakeNumber(&text, &minor)) return std::nullopt;
  return std::pair{major, minor};
}

struct Filter {
  std::vector<std::string> capabilities;
  std::vector<std::string> machines;
  std::string kernel;  // at least
};

Result<Filter> ParseFilter(const Json& rule, const char* key) {
  Filter filter;
  VENEER_TRY(const Json* object, GetObject(rule, key));
  if (object == nullptr) return filter;
  VENEER_TRY(auto capabilities, GetStrings(*object, "caps"));
  VENEER_TRY(auto machines, GetStrings(*object, "arches"));
  VENEER_TRY(filter.kernel, GetStringOrEmpty(*object, "minKernel"));
  if (!filter.kernel.empty() && !KernelVersion(filter.kernel)) {
    return MakeError("minKernel: '" + Printable(filter.kernel) + "' is no version");
  }
  filter.capabilities = std::move(capabilities).value_or(std::vector<std::string>());
  filter.machines = std::move(machines).value_or(std::vector<std::string>());
  return filter;
}

// Which rules hold. Any of the excludes leaves a rule out; all of the includes must be true, one of
// the machines among them.
class Selection {
 public:
  explicit Selection(const SeccompFacts& facts)
      : facts_(facts), capabilities_(CapabilityNames(facts.capabilities)) {}

  Result<bool> Holds(const Json& rule) const {
    VENEER_TRY(const Filter excludes, ParseFilter(rule, "excludes"));
    VENEER_TRY(const Filter includes, ParseFilter(rule, "includes"));
    const auto has = [&](const std::string& name) { return Contains(capabilities_, name); };
    if (std::ranges::any_of(excludes.capabilities, has)) return false;
    if (Contains(excludes.machines, facts_.machine)) return false;
    if (!excludes.kernel.empty() && IsAtLeast(excludes.kernel)) return false;
    return std::ranges::all_of(includes.capabilities, has) &&
           (includes.machines.empty() || Contains(includes.machines, facts_.machine)) &&
           (includes.kernel.empty() || IsAtLeast(includes.kernel));
  }

 private:
  bool IsAtLeast(const std::string& wanted) const {
    const auto own = KernelVersion(facts_.kernel);
    return own && *own >= *KernelVersion(wanted);
  }

  const SeccompFacts& facts_;
  const std::vector<std::string> capabilities_;
};

Result<SeccompRule> ParseRule(const Json& object) {
  SeccompRule rule;
  VENEER_TRY(auto names, GetStrings(object, "names"));
  VENEER_TRY(const std::string name, GetStringOrEmpty(object, "name"));
  rule.names = std::move(names).value_or(std::vector<std::string>());
  if (!name.empty()) {
    if (!rule.names.empty()) return MakeError("it has both name and names");
    rule.names = {name};
  }
  VENEER_TRY(rule.verdict, ParseVerdict(object, "action", "errnoRet", "errno"));
  VENEER_TRY(const Json* conditions, GetArray(object, "args"));
  if (conditions == nullptr) return rule;
  for (const Json& condition : *conditions) {
    Result<SeccompCondition> parsed = ParseCondition(condition);
    if (!parsed) return tl::unexpected(std::move(parsed).error().Context("args"));
    rule.conditions.push_back(*parsed);
  }
  return rule;
}

Result<std::vector<std::string>> ParseArchitectures(const Json& document,
                                                    const std::string& native) {
  VENEER_TRY(auto listed, GetStrings(document, "architectures"));
  std::vector<std::string> found = std::move(listed).value_or(std::vector<std::string>());
  VENEER_TRY(const Json* map, GetArray(document, "archMap"));
  if (map != nullptr && !map->empty() && !found.empty()) {
    return MakeError("it has both architectures and archMap");
  }
  for (const Json& entry : map != nullptr ? *map : Json::array()) {
    if (!entry.is_object()) return MakeError("archMap: an entry is no object");
    VENEER_TRY(const std::string name, GetStringOrEmpty(entry, "architecture"));
    VENEER_TRY(auto others, GetStrings(entry, "subArchitectures"));
    if (name == native) found = std::move(others).value_or(std::vector<std::string>());
  }
  std::erase(found, native);
  return found;
}

}  // namespace

SeccompFacts FactsOfThisMachine(CapabilityMask capabilities) {
  struct utsname name = {};
  ::uname(&name);
  SeccompFacts facts{{}, {}, name.release, capabilities};
#if defined(__x86_64__)
  facts.architecture = "SCMP_ARCH_X86_64";
  facts.machine = "amd64";
#elif defined(__aarch64__)
  facts.architecture = "SCMP_ARCH_AARCH64";
  facts.machine = "arm64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  facts.architecture = "SCMP_ARCH_PPC64LE";
  facts.machine = "ppc64le";
#elif defined(__s390x__)
  facts.architecture = "SCMP_ARCH_S390X";
  facts.machine = "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
  facts.architecture = "SCMP_ARCH_RISCV64";
  facts.machine = "riscv64";
#endif
  return facts;
}

Result<SeccompProfile> ParseSeccompProfile(std::string_view json, const SeccompFacts& facts) {
  JsonLimits limits;
  limits.bytes = kMaxProfile;
  VENEER_TRY(const Json document, ParseJson(json, limits));
  SeccompProfile profile;
  VENEER_TRY(profile.otherwise,
             ParseVerdict(document, "defaultAction", "defaultErrnoRet", "defaultErrno"));
  VENEER_TRY(profile.architectures, ParseArchitectures(document, facts.architecture));
  VENEER_TRY(const Json* rules, GetArray(document, "syscalls"));
  const Selection selection(facts);
  for (size_t i = 0; rules != nullptr && i < rules->size(); ++i) {
    const Json& object = (*rules)[i];
    const std::string where = "syscalls[" + std::to_string(i) + "]";
    if (!object.is_object()) return MakeError(where + " is no object");
    // A rule that is for others is read all the same: the file is damaged on every machine.
    Result<SeccompRule> rule = ParseRule(object);
    if (!rule) return tl::unexpected(std::move(rule).error().Context(where));
    const Result<bool> holds = selection.Holds(object);
    if (!holds) return tl::unexpected(Error(holds.error()).Context(where));
    if (*holds) profile.rules.push_back(std::move(*rule));
  }
  return profile;
}

Result<std::optional<SeccompProfile>> ReadSeccompProfile(const std::vector<std::string>& paths,
                                                         const SeccompFacts& facts) {
  for (const std::string& path : paths) {
    const Sys<std::string> text = ReadFile(path, kMaxProfile + 1);
    if (!text && text.error().code == ENOENT) continue;
    if (!text) return MakeError(text.error(), path);
    Result<SeccompProfile> profile = ParseSeccompProfile(*text, facts);
    if (!profile) return tl::unexpected(std::move(profile).error().Context(path));
    return std::optional<SeccompProfile>(std::move(*profile));
  }
  return std::optional<SeccompProfile>();
}

std::vector<std::string> SeccompProfilePaths() {
  return {"/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"};
}

}  // namespace veneer
