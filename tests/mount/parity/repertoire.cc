// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/repertoire.h"

#include <sys/stat.h>

namespace veneer::parity {
namespace {

using Kind = OpKind;

Choices All() {
  Choices all;
  all.weights = {{Kind::kOpen, 90},       {Kind::kTmpfile, 6},    {Kind::kClose, 25},
                 {Kind::kRead, 15},       {Kind::kWrite, 25},     {Kind::kPread, 25},
                 {Kind::kPwrite, 40},     {Kind::kDirectIo, 6},   {Kind::kFtruncate, 18},
                 {Kind::kFallocate, 18},  {Kind::kSeek, 6},       {Kind::kHoles, 10},
                 {Kind::kCopyRange, 12},  {Kind::kSendfile, 6},   {Kind::kFchmod, 12},
                 {Kind::kFchown, 10},     {Kind::kFutimens, 8},   {Kind::kFstat, 25},
                 {Kind::kFsync, 4},       {Kind::kFlock, 8},      {Kind::kRangeLock, 8},
                 {Kind::kLinkFd, 8},      {Kind::kGetdents, 8},   {Kind::kGetFlags, 3},
                 {Kind::kSetFlags, 3},    {Kind::kMap, 20},       {Kind::kMapRead, 25},
                 {Kind::kMapWrite, 25},   {Kind::kMapSync, 6},    {Kind::kUnmap, 10},
                 {Kind::kTruncate, 20},   {Kind::kChmod, 35},     {Kind::kChown, 30},
                 {Kind::kUtimens, 25},    {Kind::kMkdir, 45},     {Kind::kRmdir, 30},
                 {Kind::kUnlink, 45},     {Kind::kSymlink, 20},   {Kind::kLink, 40},
                 {Kind::kMknod, 20},      {Kind::kRename, 110},   {Kind::kStat, 25},
                 {Kind::kReadlink, 6},    {Kind::kAccess, 20},    {Kind::kStatfs, 2},
                 {Kind::kHandle, 6},      {Kind::kList, 30},      {Kind::kWalk, 12},
                 {Kind::kReadFile, 40},   {Kind::kLongPath, 4},   {Kind::kSetXattr, 35},
                 {Kind::kGetXattr, 20},   {Kind::kListXattr, 15}, {Kind::kRemoveXattr, 15},
                 {Kind::kDropCaches, 12}, {Kind::kRemount, 3},    {Kind::kSyncfs, 1},
                 {Kind::kCompare, 6}};
  all.names = {"a",   "b",    "c",    "d",    "e",    "f",  "dir",
               "sub", "file", "link", "new1", "new2", "n3", ".wh.x"};
  all.uids = {0, 1000, 1001, static_cast<uid_t>(-1)};
  all.gids = {0, 1000, 2000, 3000, static_cast<gid_t>(-1)};
  all.seconds = {0, -5, -1000000000, 1000000000, 4300000000, 2147483648};
  all.node_types = {S_IFIFO, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFREG, 0};
  all.xattrs = {"user.one",
                "user.two",
                "user.four",
                "trusted.one",
                "trusted.three",
                "security.three",
                "security.capability",
                "system.posix_acl_access",
                "system.posix_acl_default",
                "user.",
                "nonsense",
                "user." + std::string(249, 'n'),
                "user." + std::string(251, 'n')};
  all.xattr_sizes = {0, 1, 10, 100, 1000, 2500};
  return all;
}

// With these the sequences of a seed would be others: the tests of parity have seeds that were
// chosen for what they meet.
Choices AllAndWhole() {
  Choices choices = All();
  choices.weights.push_back({Kind::kRemoveTree, 8});
  choices.weights.push_back({Kind::kWriteFile, 20});
  return choices;
}

Choices NoLinks() {
  Choices choices = AllAndWhole();
  std::erase_if(choices.weights, [](const Weight& each) {
    return each.kind == Kind::kLink || each.kind == Kind::kLinkFd;
  });
  return choices;
}

Choices Paths() {
  Choices choices = AllAndWhole();
  std::erase_if(choices.weights, [](const Weight& each) { return each.kind <= Kind::kUnmap; });
  return choices;
}

// Names that archives write in a longer way, ids and times beyond their fields. No name is a
// whiteout's. An attribute without a value is none in an archive: an empty pax record takes an
// attribute away.
Choices Layers() {
  Choices choices = All();
  choices.weights = {{Kind::kWriteFile, 80}, {Kind::kTruncate, 15},   {Kind::kChmod, 45},
                     {Kind::kChown, 40},     {Kind::kUtimens, 40},    {Kind::kMkdir, 45},
                     {Kind::kRmdir, 15},     {Kind::kRemoveTree, 25}, {Kind::kUnlink, 45},
                     {Kind::kSymlink, 25},   {Kind::kLink, 45},       {Kind::kMknod, 35},
                     {Kind::kRename, 110},   {Kind::kSetXattr, 150},  {Kind::kRemoveXattr, 10}};
  std::erase(choices.names, ".wh.x");
  choices.names.insert(choices.names.end(),
                       {std::string(120, 'n'), "sp ace\ttab", "back\\slash", "ümläut",
                        "by\xfftes\x01", "-dash", "x.wh.y", "new\nline"});
  choices.uids = {0, 7, 1000, 100'000, 3'000'000, static_cast<uid_t>(-1)};
  choices.gids = {0, 8, 1000, 2'500'000, static_cast<gid_t>(-1)};
  choices.seconds = {0, 1, 1'000'000'000, 4'300'000'000, 8'589'934'592};
  choices.node_types = {S_IFIFO, S_IFIFO, S_IFCHR, S_IFCHR, S_IFBLK, S_IFBLK, S_IFSOCK, S_IFREG};
  choices.xattrs = {"user.one",
                    "user.two",
                    "user.four",
                    "trusted.one",
                    "security.capability",
                    "system.posix_acl_access",
                    "system.posix_acl_access",
                    "system.posix_acl_default"};
  choices.xattr_sizes = {1, 10, 100, 1000};
  choices.percent_of_root = 15;
  return choices;
}

}  // namespace

const Choices& ChoicesOf(Repertoire repertoire) {
  static const Choices all = All(), no_links = NoLinks(), paths = Paths(), layers = Layers();
  switch (repertoire) {
    case Repertoire::kAll: return all;
    case Repertoire::kNoLinks: return no_links;
    case Repertoire::kPaths: return paths;
    case Repertoire::kLayers: return layers;
  }
  return all;
}

}  // namespace veneer::parity
