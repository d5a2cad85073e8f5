// SPDX-License-Identifier: Apache-2.0
//
// The user namespace in which an ordinary user's containers live: 0 is the user, 1 and up are the
// ids that /etc/subuid and /etc/subgid give the user. Where there are none, 0 is the only id.
#ifndef VENEER_TOOLS_RUN_USER_NAMESPACE_H_
#define VENEER_TOOLS_RUN_USER_NAMESPACE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

// `count` ids from `inside` on are `outside` and so on in the parent namespace.
struct IdExtent {
  uint32_t inside = 0;
  uint32_t outside = 0;
  uint32_t count = 0;
  friend bool operator==(const IdExtent&, const IdExtent&) = default;
};

struct UserMapping {
  std::vector<IdExtent> uids;
  std::vector<IdExtent> gids;
  // True when there is more than the user's own id, so that newuidmap(1) is needed and setgroups(2)
  // works.
  bool HasRanges() const { return uids.size() > 1 && gids.size() > 1; }
};

// The first id from which on files like /etc/subuid and /etc/subgid give nobody any. Pure.
uint32_t FirstFreeSubordinateId(const std::vector<std::string>& files);

// The extents that a file like /etc/subuid (subuid(5): name-or-id:first:count) gives one user,
// behind the user's own id. Pure. Lines that are none are left out; no more extents than the kernel
// takes.
std::vector<IdExtent> ParseSubordinateIds(std::string_view text, std::string_view user,
                                          uint32_t id);

// The mapping of the calling user, from the two files.
UserMapping MappingOfUser();

// "0:1000:1:1:100000:65536", as veneerfs' uidmapping= and gidmapping= take it.
std::string MappingText(const std::vector<IdExtent>& extents);

// The same in words: "your own as 0, 65536 from 100000 on as 1 and up". Pure.
std::string MappingWords(const std::vector<IdExtent>& extents);

// Both fail when 0 will be the only id: because the files grant the user nothing; and because they
// do, but newuidmap(1) or newgidmap(1) is not there. The error says what to do.
Result<void> CheckGrantedIds();
Result<void> CheckMappers();

// True for a process that may not mount in the initial namespace and so needs EnterUserNamespace().
bool IsOrdinaryUser();

// Finds out whether EnterUserNamespace() can work at all, and fails as it would: the error says
// what does not work without, and what to do. This process stays where it is.
Result<void> CheckUserNamespace();

// Moves this process into a new user namespace with MappingOfUser(), where it is user 0 with all
// capabilities. When newuidmap or newgidmap are missing or refuse, the single id is used, with a
// warning on the log. REQUIRES: one thread. Call at most once.
Result<void> EnterUserNamespace();

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_USER_NAMESPACE_H_
