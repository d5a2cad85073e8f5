// SPDX-License-Identifier: Apache-2.0
//
// Makes a failing run smaller: leaves out ever smaller pieces of the operations and of the stack,
// and keeps what still fails (delta debugging: Zeller, Hildebrandt 2002).
#include <algorithm>
#include <cstdlib>

#include "tests/mount/parity/run.h"

namespace veneer::parity {
namespace {

class Minimiser {
 public:
  Minimiser(const RunConfig& config, const Sequence& sequence, Selection failing, int tries)
      : config_(config), sequence_(sequence), best_(std::move(failing)), tries_(tries) {}

  Selection Go() {
    const RunResult first = Run(config_, sequence_, best_);
    if (!first.failure) return best_;
    target_ = first.failure->target;
    needs_ops_ = first.failure->step >= 0;
    kind_ = first.failure->Kind();
    CutAfter(*first.failure);
    for (size_t before = 0; before != Size() && tries_ > 0;) {
      before = Size();
      Shrink(&Selection::ops);
      Shrink(&Selection::items);
    }
    return best_;
  }

 private:
  size_t Size() const { return best_.ops.size() + best_.items.size(); }

  // Nothing after the failing step matters.
  void CutAfter(const Failure& failure) {
    auto& ops = best_.ops;
    ops.erase(std::remove_if(ops.begin(), ops.end(),
                             [&](size_t op) { return static_cast<int>(op) > failure.step; }),
              ops.end());
  }

  // The same target must fail in the same way, at whatever step: a smaller run may show it earlier.
  bool StillFails(const Selection& candidate) {
    --tries_;
    const RunResult result = Run(config_, sequence_, candidate);
    if (!result.failure || result.failure->target != target_) return false;
    if (result.failure->Kind() != kind_) return false;
    if (needs_ops_ && result.failure->step < 0) return false;
    best_ = candidate;
    CutAfter(*result.failure);
    return true;
  }

  void Shrink(std::vector<size_t> Selection::*list) {
    for (size_t piece = std::max<size_t>((best_.*list).size() / 2, 1); tries_ > 0; piece /= 2) {
      for (size_t at = 0; at < (best_.*list).size() && tries_ > 0;) {
        Selection candidate = best_;
        auto& indexes = candidate.*list;
        const auto first = indexes.begin() + static_cast<long>(at);
        indexes.erase(first, first + static_cast<long>(std::min(piece, indexes.size() - at)));
        if (!StillFails(candidate)) at += piece;
      }
      if (piece == 1) return;
    }
  }

  const RunConfig& config_;
  const Sequence& sequence_;
  Selection best_;
  int tries_;
  std::string target_;
  std::string kind_;
  bool needs_ops_ = false;  // the failure is one of an operation, not of the layers as they are
};

}  // namespace

std::string Failure::Kind() const {
  const size_t start = text.find("\n  ") != std::string::npos && text.compare(0, 5, "whole") == 0
                           ? text.find("\n  ") + 1
                           : 0;
  return text.substr(start, std::min(text.find(" of ", start), text.find(':', start)) - start);
}

Selection Minimise(const RunConfig& config, const Sequence& sequence, Selection failing,
                   int tries) {
  RunConfig quiet = config;
  quiet.verbose = false;
  quiet.slow = true;  // a shorter run is a faster one, too fast for the clock of files
  return Minimiser(quiet, sequence, std::move(failing), tries).Go();
}

std::string ToRanges(const std::vector<size_t>& indexes) {
  std::string out;
  for (size_t i = 0; i < indexes.size();) {
    size_t last = i;
    while (last + 1 < indexes.size() && indexes[last + 1] == indexes[last] + 1) ++last;
    out += (out.empty() ? "" : ",") + std::to_string(indexes[i]);
    if (last > i) out += "-" + std::to_string(indexes[last]);
    i = last + 1;
  }
  return out.empty() ? "none" : out;
}

bool FromRanges(const std::string& text, std::vector<size_t>* out) {
  out->clear();
  if (text == "none") return true;
  const char* p = text.c_str();
  while (*p != '\0') {
    char* end = nullptr;
    const size_t first = std::strtoull(p, &end, 10);
    if (end == p) return false;
    size_t last = first;
    if (*end == '-') {
      p = end + 1;
      last = std::strtoull(p, &end, 10);
      if (end == p || last < first) return false;
    }
    for (size_t i = first; i <= last; ++i) out->push_back(i);
    if (*end != ',' && *end != '\0') return false;
    p = *end == ',' ? end + 1 : end;
  }
  return true;
}

}  // namespace veneer::parity
