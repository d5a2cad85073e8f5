// SPDX-License-Identifier: Apache-2.0
//
// The structural check of an LMDB file before LMDB reads it. LMDB believes every page number,
// offset and length in its pages; a damaged or hostile file makes it read outside the map or abort.
// This walks the tree once (some 0.1 ms per 10,000 entries) and believes nothing. It knows the page
// format of LMDB 0.9 (data version 1), which all 0.9 releases share:
//
//   page   u64 page number, u16 pad, u16 flags, u16 lower, u16 upper (overflow page: u32 count of
//          pages
//          instead of lower and upper), then u16 offsets of the nodes, then free space, then the
//          nodes
//   node   u16 low, u16 high of the data size (branch: of the child's page number), u16 flags
//          (branch: the top
//          16 bits of the page number), u16 key size, key, data (or u64 first overflow page)
//   meta   at byte 16 of pages 0 and 1: u32 magic, u32 version, u64 address, u64 map size, two
//          databases of 48 bytes (free list, main), u64 last page, u64 transaction
//   database  u32 pad (free list: page size), u16 flags, u16 depth, u64 branch, leaf and overflow
//             pages,
//          u64 entries, u64 root page
#ifndef VENEER_LAYERDB_INDEX_PAGE_CHECK_H_
#define VENEER_LAYERDB_INDEX_PAGE_CHECK_H_

#include <cstdint>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

// Checks `data`, all pages of a sealed LMDB file, of `page_size` bytes each. Returns the offset of
// the value of its first key. The message is what is wrong, without the file's name.
Result<uint64_t> CheckPages(std::string_view data, uint32_t page_size);

// Checks `data`, the whole of an LMDB file that will be written to, and so its list of free pages,
// too. It may have no keys, and its end may be missing where only free pages were. The message is
// as above.
Result<void> CheckDatabase(std::string_view data);

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_PAGE_CHECK_H_
