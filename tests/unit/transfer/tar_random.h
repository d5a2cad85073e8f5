// SPDX-License-Identifier: Apache-2.0
//
// Random tar archives: well-formed ones, put together block by block or written by libarchive, and
// ones that were tampered with afterwards.
#ifndef VENEER_TESTS_UNIT_TRANSFER_TAR_RANDOM_H_
#define VENEER_TESTS_UNIT_TRANSFER_TAR_RANDOM_H_

#include <random>
#include <string>

namespace veneer {

// v7, ustar, old GNU (long names, base-256 numbers, sparse) and PAX entries side by side: every
// type of object, extended attributes, ACLs, sparse files of all formats, odd names, early and late
// times, contents that look like archives.
std::string RandomTar(std::mt19937* random);
// The like by libarchive's own writer, in one of its formats.
std::string RandomLibarchiveTar(std::mt19937* random);
// One to three changes: flipped bits, other sizes, types, magics and numbers with checksums that
// fit, extended headers put in front, blocks lost, doubled or swapped, an early end.
std::string TamperedTar(std::string archive, std::mt19937* random);

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_TRANSFER_TAR_RANDOM_H_
