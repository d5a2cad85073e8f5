// SPDX-License-Identifier: Apache-2.0
#include "tools/run/account.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "layerdb/base/parse.h"
#include "layerdb/base/sys.h"
#include "tools/run/mount_api.h"

namespace veneer {

namespace {

constexpr uint64_t kMaxFile = uint64_t{16} << 20;
constexpr uint32_t kMaxId = 0x7FFFFFFF;
constexpr size_t kMaxGroups = 65536;  // NGROUPS_MAX

std::optional<uint32_t> ToId(std::string_view text) {
  uint32_t id = 0;
  if (!ParseNumber(text, &id) || id > kMaxId) return std::nullopt;
  return id;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<std::string_view> Fields(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t end = line.find(separator);
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

// Calls `use` with the fields of each line of at least `least` fields, until it returns true.
template <class Use>
void ForEachLine(std::string_view text, size_t least, Use use) {
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::vector<std::string_view> fields = Fields(text.substr(0, newline), ':');
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (fields.size() >= least && !fields[0].empty() && use(fields)) return;
  }
}

tl::unexpected<Error> Unknown(const char* kind, std::string_view name) {
  return MakeError("no " + std::string(kind) + " '" + std::string(name) + "' in the image");
}

// passwd(5): name:password:uid:gid:comment:home:shell
Result<void> FindUser(std::string_view user, std::string_view passwd, Account* account) {
  bool found = false;
  const std::optional<uint32_t> number = ToId(user);
  if (IsNumber(user) && !number) {
    return MakeError("user id " + std::string(user) + " is out of range (0 to 2147483647)");
  }
  ForEachLine(passwd, 4, [&](const std::vector<std::string_view>& fields) {
    const std::optional<uint32_t> uid = ToId(fields[2]);
    const std::optional<uint32_t> gid = ToId(fields[3]);
    if (!uid || !gid || (fields[0] != user && uid != number)) return false;
    account->uid = *uid;
    account->gid = *gid;
    account->name = fields[0];
    if (fields.size() > 5 && !fields[5].empty()) account->home = fields[5];
    if (fields.size() > 6) account->shell = fields[6];
    return found = true;
  });
  if (found) return {};
  if (!number) return Unknown("user", user);
  account->uid = *number;
  return {};
}

// group(5): name:password:gid:member,member
Result<void> FindGroup(std::string_view wanted, std::string_view group, Account* account) {
  if (IsNumber(wanted)) {
    const std::optional<uint32_t> number = ToId(wanted);
    if (!number) {
      return MakeError("group id " + std::string(wanted) + " is out of range (0 to 2147483647)");
    }
    account->gid = *number;
    return {};
  }
  bool found = false;
  ForEachLine(group, 3, [&](const std::vector<std::string_view>& fields) {
    const std::optional<uint32_t> gid = ToId(fields[2]);
    if (!gid || fields[0] != wanted) return false;
    account->gid = *gid;
    return found = true;
  });
  if (!found) return Unknown("group", wanted);
  return {};
}

void FindMemberships(std::string_view group, Account* account) {
  if (account->name.empty()) return;
  ForEachLine(group, 4, [&](const std::vector<std::string_view>& fields) {
    const std::optional<uint32_t> gid = ToId(fields[2]);
    const std::vector<std::string_view> members = Fields(fields[3], ',');
    if (gid && std::ranges::find(members, account->name) != members.end()) {
      account->groups.push_back(*gid);
    }
    return account->groups.size() >= kMaxGroups;
  });
  std::ranges::sort(account->groups);
  account->groups.erase(std::unique(account->groups.begin(), account->groups.end()),
                        account->groups.end());
}

Result<std::string> ReadInRoot(int root, const char* path) {
  const Sys<Fd> file = mounts::OpenInRoot(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) {
    if (file.error().code == ENOENT || file.error().code == ENOTDIR) return std::string();
    return MakeError(file.error(), std::string("the image's ") + path);
  }
  VENEER_TRY_CTX(const struct stat st, sys::Stat({file->get()}), path);
  if (!S_ISREG(st.st_mode)) return MakeError(std::string("the image's ") + path + " is not a file");
  if (static_cast<uint64_t>(st.st_size) > kMaxFile) {
    return MakeError(std::string("the image's ") + path + " is larger than 16 MiB");
  }
  std::string text(st.st_size, '\0');
  VENEER_TRY_CTX(const size_t read, sys::ReadAt(file->get(), text.data(), text.size(), 0), path);
  text.resize(read);
  return text;
}

}  // namespace

Result<Account> ResolveAccount(std::string_view text, std::string_view passwd,
                               std::string_view group) {
  Account account;
  const size_t colon = text.find(':');
  const std::string_view user = text.substr(0, colon);
  VENEER_TRY_VOID(FindUser(user.empty() ? "0" : user, passwd, &account));
  if (colon != std::string_view::npos && colon + 1 < text.size()) {
    VENEER_TRY_VOID(FindGroup(text.substr(colon + 1), group, &account));
  } else {
    FindMemberships(group, &account);
  }
  return account;
}

Result<Account> ResolveAccountIn(int root, std::string_view text) {
  VENEER_TRY(const std::string passwd, ReadInRoot(root, "/etc/passwd"));
  VENEER_TRY(const std::string group, ReadInRoot(root, "/etc/group"));
  return ResolveAccount(text, passwd, group);
}

}  // namespace veneer
