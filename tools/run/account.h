// SPDX-License-Identifier: Apache-2.0
//
// Users and groups of an image, from its own /etc/passwd and /etc/group: read inside its root, and
// never through the host's name service, whose modules would be loaded from the image
// (CVE-2019-14271). Parsing and reading are apart; the parsers are pure.
#ifndef VENEER_TOOLS_RUN_ACCOUNT_H_
#define VENEER_TOOLS_RUN_ACCOUNT_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary, without duplicates
  std::string name;           // empty when /etc/passwd does not know the uid
  std::string home = "/";
  std::string shell;  // empty when not known
};

// What "user[:group]" means with these files, each a name or a number from 0 to 2^31-1 (image-spec,
// config.md, "User"; the range: CVE-2024-40635). An empty text or user is uid 0. Without a group:
// the user's primary group (0 for a number that passwd does not know) and the groups that list the
// user.
Result<Account> ResolveAccount(std::string_view text, std::string_view passwd,
                               std::string_view group);

// The same with the files in `root`. A file that is absent counts as empty; one that is not a
// regular file or is beyond 16 MiB is an error (CVE-2024-9676, CVE-2026-47262).
Result<Account> ResolveAccountIn(int root, std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_ACCOUNT_H_
