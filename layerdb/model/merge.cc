// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/merge.h"

namespace veneer {

MergeStep DecideMerge(NameSays above, NameSays below) {
  const bool there = below != NameSays::kNothing;
  switch (above) {
    case NameSays::kNothing: return MergeStep::kKeep;
    case NameSays::kWhiteout: return there ? MergeStep::kRemove : MergeStep::kKeep;
    case NameSays::kDirectory:
      return below == NameSays::kDirectory ? MergeStep::kMerge : MergeStep::kReplace;
    case NameSays::kOther:
    case NameSays::kOpaqueDirectory: break;
  }
  return MergeStep::kReplace;
}

}  // namespace veneer
