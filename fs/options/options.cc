// SPDX-License-Identifier: Apache-2.0
#include "fs/options/options.h"

#include <string_view>

#include "fs/options/option_words.h"

namespace veneer {
namespace {

Result<void> ApplyAll(std::string_view text, MountOptions& options) {
  for (const OptionText& option : SplitOptions(text)) VENEER_TRY_VOID(ApplyOption(option, options));
  return {};
}

// An argument that starts with '-' and is not -o. Unknown ones warn, like unknown words of -o.
void ApplySwitch(const std::string& arg, MountOptions& options) {
  if (arg == "-f") {
    options.foreground = true;
  } else if (arg == "-d" || arg == "--debug") {
    options.debug = true;
  } else if (arg == "-h" || arg == "--help") {
    options.show_help = true;
  } else if (arg == "-V" || arg == "--version") {
    options.show_version = true;
  } else if (arg == "-r") {
    options.read_only = true;
    options.flags.emplace_back("ro");
  } else if (arg == "-w") {
    options.read_only = false;
    options.flags.emplace_back("rw");
  } else if (arg != "-s" && arg != "-n") {  // one thread; no mtab: both as it pleases the daemon
    options.warnings.push_back("unknown option ignored: " + arg);
  }
}

// The rules between options.
Result<void> Finish(std::vector<std::string> positionals, MountOptions& options) {
  if (positionals.empty()) return MakeError("no mount point given");
  options.mount_point = std::move(positionals.back());
  if (options.mount_point.empty()) return MakeError("the mount point is an empty word");
  if (options.lowerdirs.empty()) return MakeError("no layers given: -o lowerdir=TOP:...:BOTTOM");
  if (!options.upperdir.empty() && options.workdir.empty()) {
    return MakeError("option upperdir= needs workdir=, an empty directory on the same file system");
  }
  if (options.debug) options.foreground = true;
  if (!options.xattrs) options.acl = false;
  // A single id beats squash_to_root, and both beat the mapping (fuse-overlayfs(1)).
  if (options.squash_to_root) {
    options.ids.users.SquashTo(0);
    options.ids.groups.SquashTo(0);
  }
  if (options.squash_uid) options.ids.users.SquashTo(*options.squash_uid);
  if (options.squash_gid) options.ids.groups.SquashTo(*options.squash_gid);
  return {};
}

}  // namespace

Result<MountOptions> ParseOptions(std::span<const std::string> args) {
  MountOptions options;
  std::vector<std::string> positionals;
  std::vector<std::string_view> option_texts;
  bool only_positionals = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (only_positionals || arg.size() < 2 || arg[0] != '-') {
      positionals.push_back(arg);
    } else if (arg == "--") {
      only_positionals = true;
    } else if (arg == "-o") {
      if (++i == args.size()) return MakeError("-o: the options are missing");
      option_texts.emplace_back(args[i]);
    } else if (arg.starts_with("-o")) {
      option_texts.push_back(std::string_view(arg).substr(2));
    } else {
      ApplySwitch(arg, options);
    }
  }
  if (options.show_help || options.show_version) return options;
  // The word before the mount point is what mount(8) calls the source; fsname= says it more
  // clearly.
  if (positionals.size() > 1 && !positionals.front().empty()) options.fsname = positionals.front();
  for (const std::string_view text : option_texts) VENEER_TRY_VOID(ApplyAll(text, options));
  VENEER_TRY_VOID(Finish(std::move(positionals), options));
  return options;
}

}  // namespace veneer
