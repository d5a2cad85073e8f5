// SPDX-License-Identifier: Apache-2.0
//
// One archive as two parsers read it, in a form that can be compared: TarParser's reading and that
// of libarchive, as text by field.
#ifndef VENEER_TESTS_UNIT_TRANSFER_TAR_READINGS_H_
#define VENEER_TESTS_UNIT_TRANSFER_TAR_READINGS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/tar/block.h"

namespace veneer {

// type, path, mode, uid, gid, size, mtime, link, user, group, device, acl, default acl, extents
// (where the data lies), contents (a hash of it and its places), xattr NAME. What an entry has not
// is not there. Names that begin with '~' are not compared, but for ~start: at which byte the first
// header of the entry stands, extended ones included.
using TarFields = std::map<std::string, std::string>;

// An entry's headers as they stand in the archive.
struct TarHead {
  TarBlock block;                              // its own
  std::map<std::string, std::string> records;  // of its PAX header
  std::map<std::string, std::string> global;   // of the global headers up to here
  uint64_t size = 0;                           // of what follows, if something does
};

struct TarReading {
  std::vector<TarFields> entries;
  std::vector<TarHead> heads;  // of ReadWithTarParser() only, one for each entry
  std::string error;           // why the reader stopped before the end; empty: it did not
};

TarReading ReadWithTarParser(std::string_view archive);
// Only the tar format, and no filter. Warnings of libarchive are no errors.
TarReading ReadWithLibarchive(std::string_view archive);

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_TRANSFER_TAR_READINGS_H_
