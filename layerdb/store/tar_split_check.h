// SPDX-License-Identifier: Apache-2.0
//
// The check of a layer's tar-split, for `veneer fsck`: that all of it can be read, and that it fits
// the index of its layer. Objects are not read. Thread-safe.
#ifndef VENEER_LAYERDB_STORE_TAR_SPLIT_CHECK_H_
#define VENEER_LAYERDB_STORE_TAR_SPLIT_CHECK_H_

#include <string>

#include "layerdb/index/index_reader.h"

namespace veneer {

// What is wrong with the tar-split at `path`, as the end of a sentence ("is damaged (cut short)");
// empty: nothing.
std::string CheckTarSplit(const std::string& path, const IndexReader& index);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_TAR_SPLIT_CHECK_H_
