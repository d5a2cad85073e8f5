// SPDX-License-Identifier: Apache-2.0
//
// Whether a sealed index makes sense: what IndexReader::Open() does not look at, because a file
// with a right checksum normally does.
#ifndef VENEER_LAYERDB_STORE_INDEX_CHECK_H_
#define VENEER_LAYERDB_STORE_INDEX_CHECK_H_

#include <string>

#include "layerdb/index/index_reader.h"

namespace veneer {

// Reads the whole index: every record is well-formed, every directory has one name and can be
// reached from the root, the names of every hard-linked file are as many as its link count, and the
// sums are what the seal says. Returns what is wrong first, or nothing.
std::string CheckIndex(const IndexReader& index);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_INDEX_CHECK_H_
