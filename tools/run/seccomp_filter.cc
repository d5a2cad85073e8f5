// SPDX-License-Identifier: Apache-2.0
#include "tools/run/seccomp_filter.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "layerdb/base/fd.h"
#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"

namespace veneer {

namespace {

uint32_t ActionOf(const SeccompVerdict& verdict) {
  switch (verdict.action) {
    case SeccompAction::kAllow: return SCMP_ACT_ALLOW;
    case SeccompAction::kErrno: return SCMP_ACT_ERRNO(verdict.code);
    case SeccompAction::kTrap: return SCMP_ACT_TRAP;
    case SeccompAction::kTrace: return SCMP_ACT_TRACE(verdict.code);
    case SeccompAction::kLog: return SCMP_ACT_LOG;
    case SeccompAction::kKillThread: return SCMP_ACT_KILL_THREAD;
    case SeccompAction::kKillProcess: return SCMP_ACT_KILL_PROCESS;
  }
  return SCMP_ACT_KILL_PROCESS;
}

scmp_compare ComparisonOf(SeccompOperator op) {
  switch (op) {
    case SeccompOperator::kNotEqual: return SCMP_CMP_NE;
    case SeccompOperator::kLess: return SCMP_CMP_LT;
    case SeccompOperator::kLessOrEqual: return SCMP_CMP_LE;
    case SeccompOperator::kEqual: return SCMP_CMP_EQ;
    case SeccompOperator::kGreaterOrEqual: return SCMP_CMP_GE;
    case SeccompOperator::kGreater: return SCMP_CMP_GT;
    case SeccompOperator::kMaskedEqual: return SCMP_CMP_MASKED_EQ;
  }
  return SCMP_CMP_EQ;
}

// libseccomp's name of an architecture: x86_64 of SCMP_ARCH_X86_64.
std::string ArchitectureName(std::string name) {
  if (name.starts_with("SCMP_ARCH_")) name.erase(0, 10);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

class Compiler {
 public:
  explicit Compiler(const SeccompProfile& profile)
      : profile_(profile), context_(seccomp_init(ActionOf(profile.otherwise)), &seccomp_release) {}

  Result<SeccompFilter> Run() {
    if (!context_) return MakeError("make a seccomp filter: out of memory");
    for (const std::string& name : profile_.architectures) VENEER_TRY_VOID(AddArchitecture(name));
    // A tree of the system calls instead of a list, which a program would walk at each of them. A
    // filter without rules is not made right that way by libseccomp 2.5.
    if (profile_.rules.size() > 1) {
      IgnoreError(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2),
                  "the filter is slower without");
    }
    for (const SeccompRule& rule : profile_.rules) {
      for (const std::string& name : rule.names) VENEER_TRY_VOID(AddRule(name, rule));
    }
    return Program();
  }

 private:
  Result<void> AddArchitecture(const std::string& name) {
    const uint32_t token = seccomp_arch_resolve_name(ArchitectureName(name).c_str());
    if (token == 0) return MakeError("seccomp: no architecture " + Printable(name) + " is known");
    const int added = seccomp_arch_add(context_.get(), token);
    if (added < 0 && added != -EEXIST) {
      return MakeError(Errno{-added}, "seccomp: add architecture " + Printable(name));
    }
    return {};
  }

  Result<void> AddRule(const std::string& name, const SeccompRule& rule) {
    const uint32_t action = ActionOf(rule.verdict);
    if (action == ActionOf(profile_.otherwise)) return {};  // libseccomp refuses what says nothing
    const int call = seccomp_syscall_resolve_name(name.c_str());
    if (call == __NR_SCMP_ERROR) return {};  // newer than libseccomp, or of another machine
    std::vector<scmp_arg_cmp> conditions;
    std::array<int, 6> uses = {};
    for (const SeccompCondition& condition : rule.conditions) {
      conditions.push_back(
          {condition.argument, ComparisonOf(condition.op), condition.value, condition.value_two});
      ++uses.at(condition.argument);
    }
    // A rule has one condition for each argument. Where a profile has several, runc takes each for
    // a rule of its own, and so they hold in the profiles that are in use.
    if (std::ranges::any_of(uses, [](int n) { return n > 1; })) {
      for (const scmp_arg_cmp& condition : conditions) {
        VENEER_TRY_VOID(Add(name, action, call, 1, &condition));
      }
      return {};
    }
    return Add(name, action, call, conditions.size(), conditions.data());
  }

  Result<void> Add(const std::string& name, uint32_t action, int call, size_t count,
                   const scmp_arg_cmp* conditions) {
    const int added = seccomp_rule_add_array(context_.get(), action, call,
                                             static_cast<unsigned>(count), conditions);
    if (added < 0 && added != -EEXIST) {
      return MakeError(Errno{-added}, "seccomp: add a rule for " + Printable(name));
    }
    return {};
  }

  // libseccomp 2.5 gives the program to a file alone.
  Result<SeccompFilter> Program() {
    const std::string what = "make a seccomp filter";
    const Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) return MakeError(Errno{errno}, what);
    if (const int done = seccomp_export_bpf(context_.get(), file.get()); done < 0) {
      return MakeError(Errno{-done}, what);
    }
    VENEER_TRY_CTX(const struct stat st, sys::Stat({file.get()}), what);
    SeccompFilter filter(static_cast<size_t>(st.st_size) / sizeof(struct sock_filter));
    if (filter.empty() || filter.size() > BPF_MAXINSNS) {
      return MakeError("the seccomp profile makes a filter of " + std::to_string(filter.size()) +
                       " instructions, and the kernel takes " + std::to_string(BPF_MAXINSNS));
    }
    VENEER_TRY_CTX(
        const size_t read,
        sys::ReadAt(file.get(), filter.data(), filter.size() * sizeof(struct sock_filter), 0),
        what);
    if (read != filter.size() * sizeof(struct sock_filter)) return MakeError(Errno{EIO}, what);
    return filter;
  }

  const SeccompProfile& profile_;
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
};

}  // namespace

Result<SeccompFilter> CompileSeccomp(const SeccompProfile& profile) {
  return Compiler(profile).Run();
}

Sys<void> LoadSeccomp(const SeccompFilter& filter) {
  struct sock_fprog program = {static_cast<unsigned short>(filter.size()),
                               const_cast<struct sock_filter*>(filter.data())};
  // As runc: a kernel before 5.16 would slow every program under a filter down for the sake of
  // those that run foreign code in their own address space (Speculative Store Bypass).
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) <
      0) {
    return FailErrno();
  }
  return {};
}

}  // namespace veneer
