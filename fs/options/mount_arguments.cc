// SPDX-License-Identifier: Apache-2.0
#include "fs/options/mount_arguments.h"

#include "fs/options/option_text.h"

namespace veneer {

std::vector<std::string> MountArguments(const MountOptions& options, const MountHost& host) {
  std::vector<std::string> args = {"veneerfs"};
  const auto add = [&args](const std::string& option) {
    args.emplace_back("-o");
    args.push_back(option);
  };
  add("fsname=" + EscapeForLibfuse(options.fsname));
  add("subtype=" + EscapeForLibfuse(options.subtype));
  add("default_permissions");
  if (options.allow_root) {
    add("allow_root");
  } else if (options.allow_other.value_or(host.root)) {
    add("allow_other");
  }
  // A later word overrides an earlier one. What a layer's own mount forbids is not allowed by
  // mounting the layer here (CVE-2021-3847), unless the caller says so.
  if (host.root) {
    add(host.layers_nosuid ? "nosuid" : "suid");
    add(host.layers_nodev ? "nodev" : "dev");
  }
  add("noatime");
  for (const std::string& flag : options.flags) add(flag);
  if (options.upperdir.empty()) add("ro");
  if (host.selinux && !options.context.empty()) {
    // The quotes are for the kernel, which cuts the mount data at commas too.
    add(EscapeForLibfuse("context=\"" + options.context + "\""));
  }
  return args;
}

}  // namespace veneer
