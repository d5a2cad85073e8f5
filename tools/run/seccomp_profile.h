// SPDX-License-Identifier: Apache-2.0
//
// The profile of system calls that container engines let programs make (containers-common,
// seccomp.json; Docker's has the same form), as it holds for one machine and one set of
// capabilities: the rules that are for others are left out. Pure, but for reading the file.
#ifndef VENEER_TOOLS_RUN_SECCOMP_PROFILE_H_
#define VENEER_TOOLS_RUN_SECCOMP_PROFILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/run/capabilities.h"

namespace veneer {

enum class SeccompAction { kAllow, kErrno, kTrap, kTrace, kLog, kKillThread, kKillProcess };

struct SeccompVerdict {
  SeccompAction action = SeccompAction::kErrno;
  uint16_t code = 0;  // the errno of kErrno, the message of kTrace; 0 for the others
  friend bool operator==(const SeccompVerdict&, const SeccompVerdict&) = default;
};

enum class SeccompOperator {
  kNotEqual,
  kLess,
  kLessOrEqual,
  kEqual,
  kGreaterOrEqual,
  kGreater,
  kMaskedEqual,  // (argument & value) == value_two
};

struct SeccompCondition {
  unsigned argument = 0;  // 0 to 5
  SeccompOperator op = SeccompOperator::kEqual;
  uint64_t value = 0;
  uint64_t value_two = 0;
  friend bool operator==(const SeccompCondition&, const SeccompCondition&) = default;
};

struct SeccompRule {
  std::vector<std::string> names;  // of system calls; those that nobody knows mean nothing
  SeccompVerdict verdict;
  std::vector<SeccompCondition> conditions;  // all of them hold
};

struct SeccompProfile {
  SeccompVerdict otherwise;                // where no rule matches
  std::vector<std::string> architectures;  // beside the native one: SCMP_ARCH_X86
  std::vector<SeccompRule> rules;
};

// What the conditions of a profile are about.
struct SeccompFacts {
  std::string architecture;         // as archMap has it: SCMP_ARCH_X86_64
  std::string machine;              // as `arches` has it: amd64
  std::string kernel;               // uname -r
  CapabilityMask capabilities = 0;  // the bounding set
};

// Of this machine.
SeccompFacts FactsOfThisMachine(CapabilityMask capabilities);

// The error is one line that names the member.
Result<SeccompProfile> ParseSeccompProfile(std::string_view json, const SeccompFacts& facts);

// The first of `paths` that is there; nullopt: none is. The error names the file.
Result<std::optional<SeccompProfile>> ReadSeccompProfile(const std::vector<std::string>& paths,
                                                         const SeccompFacts& facts);

// Where the engines look: the administrator's file, then the distribution's.
std::vector<std::string> SeccompProfilePaths();

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_SECCOMP_PROFILE_H_
