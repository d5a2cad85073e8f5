// SPDX-License-Identifier: Apache-2.0
#include "tools/build/tree_account.h"

#include <optional>

#include "layerdb/base/parse.h"
#include "layerdb/base/sys.h"
#include "tools/dockerfile/instruction_options.h"
#include "tools/run/account.h"

namespace veneer {

namespace {

constexpr uint64_t kMaxAccountFile = uint64_t{16} << 20;  // as ResolveAccountIn()

// A file that is not there is empty.
Result<std::string> TextOf(SourceTree& tree, const std::string& path) {
  VENEER_TRY(const std::optional<LocatedObject> located,
             LocateIn(tree.layer(), path, LastLink::kFollow));
  if (!located) return std::string();
  const Attr& attr = located->object.attr;
  if (attr.type != FileType::kRegular || attr.size > kMaxAccountFile) {
    return MakeError("/" + path + " of the image is not a regular file of at most 16 MiB");
  }
  const SourceEntry entry{path, attr, {}};
  VENEER_TRY(const SourceContent content, tree.Open(entry, located->object.ref));
  if (content.fd() < 0) return std::string(content.content.bytes);
  std::string text(attr.size, '\0');
  const Sys<size_t> size = sys::ReadAt(content.fd(), text.data(), text.size(), 0);
  if (!size) return content.Failed(entry, size.error());
  text.resize(*size);
  return text;
}

bool IsNumber(const std::string& word) { return ParseNumber<uint32_t>(word).has_value(); }

Result<Account> AccountOf(SourceTree& tree, const std::string& text) {
  VENEER_TRY(const std::string passwd, TextOf(tree, "etc/passwd"));
  VENEER_TRY(const std::string group, TextOf(tree, "etc/group"));
  return ResolveAccount(text, passwd, group);
}

}  // namespace

Result<std::pair<uint32_t, uint32_t>> OwnerOfUser(SourceTree& tree, const std::string& user) {
  if (user.empty()) return std::pair<uint32_t, uint32_t>(0, 0);
  VENEER_TRY(const Account account, AccountOf(tree, user));
  return std::pair<uint32_t, uint32_t>(account.uid, account.gid);
}

Result<std::pair<uint32_t, uint32_t>> OwnerOfChown(SourceTree& tree, std::string_view text) {
  VENEER_TRY(const OwnerWords words, SplitOwner(text));
  std::optional<std::string> group = words.group;
  if (!group && IsNumber(words.user)) group = words.user;
  return OwnerOfUser(tree, words.user + (group ? ":" + *group : ""));
}

}  // namespace veneer
