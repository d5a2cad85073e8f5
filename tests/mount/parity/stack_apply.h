// SPDX-License-Identifier: Apache-2.0
//
// Writes a random stack to disk: as layers in the kernel's overlay format, and as the one plain
// directory that the union of these layers must look like.
#ifndef VENEER_TESTS_MOUNT_PARITY_STACK_APPLY_H_
#define VENEER_TESTS_MOUNT_PARITY_STACK_APPLY_H_

#include <string>
#include <vector>

#include "tests/mount/parity/stack.h"

namespace veneer::parity {

// Without the items that need one that is not in the list (a minimiser left it out): their
// directory, or the other name of a hard link. The functions below want such a list.
std::vector<Item> Applicable(const std::vector<Item>& items);

// `for_kernel` leaves out the items that have kernel_differs.
// REQUIRES: the directories exist and are empty. False: `error` says why.
bool WriteLayers(const std::vector<Item>& items, const std::vector<std::string>& layer_dirs,
                 bool for_kernel, std::string* error);

// What the union shows. Replaced objects move to `graveyard` (same file system), so that the link
// counts of hard links are those of the lower layers.
bool WritePlain(const std::vector<Item>& items, const std::string& root,
                const std::string& graveyard, std::string* error);

// Gives `dir` the attributes of the root of the top layer: an upper directory needs them.
bool WriteRootAttributes(const std::vector<Item>& items, const std::string& dir,
                         std::string* error);

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_STACK_APPLY_H_
