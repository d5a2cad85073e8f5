// SPDX-License-Identifier: Apache-2.0
//
// What a step of a build is known by: a digest of all that its layer depends on. Fields go in one
// after the other, each with its length, so that no two lists of fields make the same bytes.
#ifndef VENEER_TOOLS_BUILD_STEP_KEY_H_
#define VENEER_TOOLS_BUILD_STEP_KEY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/hash.h"

namespace veneer {

class StepKey {
 public:
  // `kind`: "run", "copy". Of two versions of Veneer whose steps of one kind differ, each has
  // another `kind`.
  StepKey(std::string_view kind, const Digest& below) {
    Add(kind);
    Add(below.hex());
  }

  void Add(std::string_view field) {
    hash_.Update(std::to_string(field.size()) + ":");
    hash_.Update(field);
  }
  void Add(uint64_t number) { Add(std::string_view(std::to_string(number))); }
  void Add(const std::vector<std::string>& fields) {
    Add(uint64_t{fields.size()});
    for (const std::string& field : fields) Add(field);
  }
  // For what describes itself (CopyTree::Describe).
  Sha256Stream* hash() { return &hash_; }
  // Call once.
  Digest Finish() { return *Digest::FromHex(hash_.FinishHex()); }

 private:
  Sha256Stream hash_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_STEP_KEY_H_
