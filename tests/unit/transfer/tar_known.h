// SPDX-License-Identifier: Apache-2.0
//
// The list of all that TarParser and libarchive may read differently in an archive that TarParser
// accepts.
#ifndef VENEER_TESTS_UNIT_TRANSFER_TAR_KNOWN_H_
#define VENEER_TESTS_UNIT_TRANSFER_TAR_KNOWN_H_

#include <cstddef>
#include <string>

#include "tests/unit/transfer/tar_readings.h"

namespace veneer {

struct TarDifference {
  const std::string& archive;
  size_t index;       // of the entry
  std::string field;  // "list": the readers see other entries from here on
  std::string ours;   // "(none)": it is not there
  std::string theirs;
  TarFields our_entry;
  TarFields their_entry;
  TarHead head;    // of the entry, empty where TarParser sees none
  TarHead before;  // of the one in front of it
};

// Why it may be so, in a few words; nullptr when it may not.
const char* WhyKnown(const TarDifference& difference);

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_TRANSFER_TAR_KNOWN_H_
