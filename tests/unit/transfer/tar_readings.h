// SPDX-License-Identifier: Apache-2.0
//
// One archive as two parsers read it, in a form that can be compared: TarParser's reading and that
// of libarchive, as text by field.
#ifndef VENEER_TESTS_UNIT_TRANSFER_TAR_READINGS_H_
#define VENEER_TESTS_UNIT_TRANSFER_TAR_READINGS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace veneer {

// type, path, mode, uid, gid, size, mtime, link, user, group, device, acl, default acl, extents
// (where the data lies), contents (a hash of it and its places), xattr NAME. What an entry has not
// is not there. Names that begin with '~' are not compared.
using TarFields = std::map<std::string, std::string>;

struct TarReading {
  std::vector<TarFields> entries;
  std::string error;  // why the reader stopped before the end; empty: it did not
};

TarReading ReadWithTarParser(std::string_view archive);
// Only the tar format, and no filter. Warnings of libarchive are no errors.
TarReading ReadWithLibarchive(std::string_view archive);

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_TRANSFER_TAR_READINGS_H_
