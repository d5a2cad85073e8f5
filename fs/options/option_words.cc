// SPDX-License-Identifier: Apache-2.0
#include "fs/options/option_words.h"

#include <algorithm>
#include <array>

#include "layerdb/base/parse.h"

namespace veneer {
namespace {

// An option with its value (empty: none was given).
struct Given {
  std::string_view word;
  std::string_view value;
  bool has_value = false;
};

tl::unexpected<Error> Bad(const Given& given, std::string_view wanted) {
  return MakeError("option " + std::string(given.word) + "=" + std::string(given.value) + ": not " +
                   std::string(wanted));
}

// The usual ways to say yes and no; a bare word is a yes.
Result<bool> AsBool(const Given& given) {
  if (!given.has_value) return true;
  static constexpr std::array<std::string_view, 5> kYes = {"1", "on", "yes", "y", "true"};
  static constexpr std::array<std::string_view, 5> kNo = {"0", "off", "no", "n", "false"};
  if (std::find(kYes.begin(), kYes.end(), given.value) != kYes.end()) return true;
  if (std::find(kNo.begin(), kNo.end(), given.value) != kNo.end()) return false;
  return Bad(given, "on or off");
}

Result<uint32_t> AsId(const Given& given) {
  uint32_t id = 0;
  if (!ParseNumber(given.value, &id) || id == UINT32_MAX) return Bad(given, "an id");
  return id;
}

Result<std::string> AsText(const Given& given) {
  std::string text = Unescape(given.value);
  if (text.empty()) return MakeError("option " + std::string(given.word) + "=: a value is missing");
  return text;
}

using Apply = Result<void> (*)(const Given&, MountOptions&);

template <std::string MountOptions::*kMember>
Result<void> SetText(const Given& given, MountOptions& options) {
  VENEER_TRY(options.*kMember, AsText(given));
  return {};
}

template <bool MountOptions::*kMember, bool kMeaning = true>
Result<void> SetBool(const Given& given, MountOptions& options) {
  VENEER_TRY(const bool yes, AsBool(given));
  options.*kMember = yes == kMeaning;
  return {};
}

struct Optimization {
  std::string_view name;
  bool Optimizations::*member;
};

constexpr Optimization kOptimizations[] = {
    {"stateless", &Optimizations::stateless},
    {"polling", &Optimizations::polling},
    {"cache_negative", &Optimizations::cache_negative},
    {"cache_symlinks", &Optimizations::cache_symlinks},
    {"parallel_dirops", &Optimizations::parallel_dirops},
    {"killpriv", &Optimizations::killpriv},
    {"direct_writes", &Optimizations::direct_writes},
    {"refuse_labels", &Optimizations::refuse_labels},
    {"readdirplus", &Optimizations::readdirplus},
    {"readdirplus_auto", &Optimizations::readdirplus_auto},
};

// x-disable=NAME[:NAME...]; an empty list disables nothing. Each option of this name adds to those
// before it.
Result<void> Disable(const Given& given, MountOptions& options) {
  if (given.value.empty()) return {};
  for (const std::string& name : SplitPaths(given.value)) {
    const auto* found = std::find_if(std::begin(kOptimizations), std::end(kOptimizations),
                                     [&](const Optimization& one) { return one.name == name; });
    if (found == std::end(kOptimizations)) return Bad(given, "a list of optimizations: " + name);
    options.optimizations.*(found->member) = false;
  }
  return {};
}

// The value as the user of one pair of functions (users or groups).
template <IdMap IdMaps::*kMember>
Result<void> SetIdMap(const Given& given, MountOptions& options) {
  VENEER_TRY(options.ids.*kMember, IdMap::Parse(given.value));
  return {};
}

Result<void> SetLowerdir(const Given& given, MountOptions& options) {
  options.lowerdirs = SplitPaths(given.value);
  for (const std::string& path : options.lowerdirs) {
    if (path.empty()) {
      return MakeError("option lowerdir=" + std::string(given.value) + ": a layer without a name");
    }
  }
  return {};
}

// redirect_dir= and metacopy= as kernel overlayfs takes them: "follow" and "nofollow" do not write.
template <bool MountOptions::*kMember>
Result<void> SetOverlayMode(const Given& given, MountOptions& options) {
  if (given.value == "follow" || given.value == "nofollow") {
    options.*kMember = false;
    return {};
  }
  return SetBool<kMember>(given, options);
}

Result<void> SetTimeout(const Given& given, MountOptions& options) {
  double seconds = 0;
  if (!ParseNumber(given.value, &seconds) || !(seconds >= 0)) {
    return Bad(given, "a number of seconds");
  }
  options.timeout = std::min(seconds, MountOptions::kForever);
  return {};
}

Result<void> SetCache(const Given& given, MountOptions& options) {
  if (given.value == "always") {
    options.timeout = MountOptions::kForever;
  } else if (given.value == "none") {
    options.timeout = 0;
  } else {
    return Bad(given, "always or none");
  }
  return {};
}

Result<void> SetIo(const Given& given, MountOptions& options) {
  if (given.value == "auto") {
    options.io = IoMode::kAuto;
  } else if (given.value == "cached") {
    options.io = IoMode::kCached;
  } else if (given.value == "passthrough") {
    options.io = IoMode::kPassthrough;
  } else {
    return Bad(given, "auto, cached or passthrough");
  }
  return {};
}

Result<void> SetXattrPermissions(const Given& given, MountOptions& options) {
  if (given.value == "0") {
    options.xattr_permissions = 0;
  } else if (given.value == "1" || given.value == "2") {
    options.xattr_permissions = given.value == "1" ? 1 : 2;
  } else {
    return Bad(given, "0, 1 or 2");
  }
  return {};
}

// As kernel overlayfs takes it. "auto" is "on": what does not fit is found out for each number by
// itself.
Result<void> SetXino(const Given& given, MountOptions& options) {
  if (given.value == "auto" || given.value.empty()) {
    options.xino = true;
    return {};
  }
  VENEER_TRY(options.xino, AsBool(given));
  return {};
}

Result<void> SetAllowOther(const Given& given, MountOptions& options) {
  VENEER_TRY(options.allow_other, AsBool(given));
  return {};
}

Result<void> SquashToRoot(const Given& given, MountOptions& options) {
  VENEER_TRY(const bool yes, AsBool(given));
  if (yes) {
    options.squash_to_root = true;
  }
  return {};
}

Result<void> SquashUser(const Given& given, MountOptions& options) {
  VENEER_TRY(options.squash_uid, AsId(given));
  return {};
}

Result<void> SquashGroup(const Given& given, MountOptions& options) {
  VENEER_TRY(options.squash_gid, AsId(given));
  return {};
}

Result<void> AddFlag(const Given& given, MountOptions& options) {
  if (given.word == "ro" || given.word == "rw") options.read_only = given.word == "ro";
  options.flags.emplace_back(given.word);
  return {};
}

struct Word {
  std::string_view word;
  Apply apply;
};

constexpr Word kWords[] = {
    {"lowerdir", SetLowerdir},
    {"upperdir", SetText<&MountOptions::upperdir>},
    {"workdir", SetText<&MountOptions::workdir>},
    {"objects", SetText<&MountOptions::objects>},
    {"fsname", SetText<&MountOptions::fsname>},
    {"subtype", SetText<&MountOptions::subtype>},
    {"context", SetText<&MountOptions::context>},
    {"volatile", SetBool<&MountOptions::is_volatile>},
    {"noacl", SetBool<&MountOptions::acl, false>},
    {"acl", SetBool<&MountOptions::acl>},
    {"noxattrs", SetBool<&MountOptions::xattrs, false>},
    {"fsync", SetBool<&MountOptions::fsync>},
    {"redirect_dir", SetOverlayMode<&MountOptions::redirect_dir>},
    {"metacopy", SetOverlayMode<&MountOptions::metacopy>},
    {"xattr_permissions", SetXattrPermissions},
    {"static_nlink", SetBool<&MountOptions::static_nlink>},
    {"xino", SetXino},
    {"timeout", SetTimeout},
    {"cache", SetCache},
    {"io", SetIo},
    {"x-disable", Disable},
    {"uidmapping", SetIdMap<&IdMaps::users>},
    {"gidmapping", SetIdMap<&IdMaps::groups>},
    {"squash_to_root", SquashToRoot},
    {"squash_to_uid", SquashUser},
    {"squash_to_gid", SquashGroup},
    {"allow_other", SetAllowOther},
    {"allow_root", SetBool<&MountOptions::allow_root>},
    {"debug", SetBool<&MountOptions::debug>},
    {"ro", AddFlag},
    {"rw", AddFlag},
    {"suid", AddFlag},
    {"nosuid", AddFlag},
    {"dev", AddFlag},
    {"nodev", AddFlag},
    {"exec", AddFlag},
    {"noexec", AddFlag},
    {"sync", AddFlag},
    {"async", AddFlag},
    {"dirsync", AddFlag},
    {"auto_unmount", AddFlag},
};

// Words that callers pass as a matter of course and that change nothing here, with or without a
// value.
constexpr std::string_view kSilent[] = {
    // Always so.
    "default_permissions", "threaded", "relatime", "clone_fd", "use_ino", "nonempty",
    // fuse-overlayfs: how it finds inode numbers, caches and extends itself.
    "fast_ino", "ino32_t", "writeback", "plugins", "kernel_cache", "max_write", "max_read",
    "max_readahead", "max_background", "max_threads", "max_idle_threads", "congestion_threshold",
    "splice_read", "splice_write", "splice_move", "no_splice_read", "no_splice_write",
    "no_splice_move", "async_read", "sync_read", "async_dio", "no_async_dio", "auto_cache",
    "big_writes",
    // Kernel overlayfs: what it needs to be told and Veneer does not.
    "index", "nfs_export", "uuid", "userxattr",
    // Times of access are not kept; and libfuse 3.14 knows no diratime.
    "atime", "noatime", "diratime", "nodiratime",
    // mount(8) and fstab(5).
    "defaults", "auto", "noauto", "user", "users", "nouser", "owner", "group", "nofail", "_netdev",
    "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion",
    "noiversion", "mand", "nomand", "silent", "loud", "comment", "private", "rprivate", "shared",
    "rshared", "slave", "rslave", "unbindable", "runbindable"};

bool IsSilent(std::string_view word) {
  return word.starts_with("x-") || word.starts_with("X-") ||
         std::find(std::begin(kSilent), std::end(kSilent), word) != std::end(kSilent);
}

}  // namespace

Result<void> ApplyOption(const OptionText& option, MountOptions& options) {
  const Given given{option.word, option.value.value_or(std::string_view()),
                    option.value.has_value()};
  for (const Word& word : kWords) {
    if (word.word == given.word) return word.apply(given, options);
  }
  if (IsSilent(given.word)) return {};
  std::string warning = "unknown option ignored: " + std::string(given.word);
  if (std::find(options.warnings.begin(), options.warnings.end(), warning) ==
      options.warnings.end()) {
    options.warnings.push_back(std::move(warning));
  }
  return {};
}

}  // namespace veneer
