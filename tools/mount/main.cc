// SPDX-License-Identifier: Apache-2.0
//
// The helper of mount(8) and umount(8) for veneerfs: which of the two it is goes by the name it is
// called with.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "layerdb/base/log.h"
#include "tools/mount/helper.h"

namespace {

// mount(8), EXIT STATUS.
constexpr int kUsage = 1;
constexpr int kFailed = 32;

veneer::Result<void> Run(const std::string& name, const std::vector<std::string>& arguments) {
  if (name.starts_with("umount.")) {
    VENEER_TRY(const veneer::UnmountCall call, veneer::ParseUnmountCall(arguments));
    return veneer::UnmountByHelper(call);
  }
  VENEER_TRY(const veneer::MountCall call, veneer::ParseMountCall(arguments));
  return veneer::MountByHelper(call);
}

}  // namespace

int main(int argc, char** argv) {
  std::string name = argc > 0 ? argv[0] : "mount.veneerfs";
  name.erase(0, name.rfind('/') + 1);
  veneer::LogToStderr(name.c_str());
  try {
    const veneer::Result<void> done = Run(name, {argv + 1, argv + argc});
    if (done) return 0;
    if (!done.error().message().empty()) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), done.error().message().c_str());
    }
    return done.error().exit() == veneer::ExitCode::kUsage ? kUsage : kFailed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
  }
  return kFailed;
}
