// SPDX-License-Identifier: Apache-2.0
//
// LintScope: the variables that a stage of a Dockerfile may use. A stage shares those of the stage
// that it is built upon and copies none: a Dockerfile of a stranger may have thousands of both.
//
// Values; not thread-safe.
#ifndef VENEER_TOOLS_DOCKERFILE_LINT_SCOPE_H_
#define VENEER_TOOLS_DOCKERFILE_LINT_SCOPE_H_

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace veneer {

class LintScope {
 public:
  // `complete` false: there may be others, so that nothing can be said of a name.
  explicit LintScope(bool complete) : complete_(complete) {}
  // Of a stage upon `below`, which outlives it and gets no more names.
  static LintScope Upon(const LintScope& below) {
    LintScope scope(below.complete_);
    scope.below_ = below.own_.empty() ? below.below_ : &below;
    return scope;
  }

  void Add(std::string name) { own_.insert(std::move(name)); }
  bool MayHave(std::string_view name) const {
    if (!complete_) return true;
    for (const LintScope* at = this; at != nullptr; at = at->below_) {
      if (at->own_.contains(name)) return true;
    }
    return false;
  }

 private:
  bool complete_;
  const LintScope* below_ = nullptr;
  std::set<std::string, std::less<>> own_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_LINT_SCOPE_H_
