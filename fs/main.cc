// SPDX-License-Identifier: Apache-2.0
//
// veneerfs: mounts layers as one tree. The work is done elsewhere; here the parts are put together
// in the order that makes a failure one line on standard error and leaves nothing behind.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fs/core/union_fs.h"
#include "fs/daemon.h"
#include "fs/fuse/session.h"
#include "fs/mappings.h"
#include "fs/options/help.h"
#include "fs/options/mount_paths.h"
#include "fs/options/options.h"
#include "fs/upper/upper.h"
#include "layerdb/base/log.h"
#include "layerdb/base/served_mount.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/user_mount_table.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/layer/layer_stack.h"

namespace veneer {
namespace {

// Since Linux 6.16 syncfs(2) sends what FUSE has to write back and waits for none of it. When
// programs go on writing, it ends all the same.
constexpr std::chrono::seconds kDrainLimit{10};

void PrintLine(const std::string& line) { std::fprintf(stderr, "veneerfs: %s\n", line.c_str()); }

// What the numbers of files are made of.
Result<InoNumbers> FindNumbers(const MountPaths& paths, bool join) {
  uint64_t index =
      UINT64_MAX;  // each layer index has a space of its own; no device has so high a number
  const auto file_system = [&](const std::string& path) -> Result<uint64_t> {
    struct stat st = {};
    if (::stat(path.c_str(), &st) != 0) return MakeError(Errno{errno}, "layer " + path);
    return S_ISDIR(st.st_mode) ? st.st_dev : index--;
  };
  std::vector<uint64_t> layers;
  for (auto path = paths.lowers.rbegin(); path != paths.lowers.rend(); ++path) {
    VENEER_TRY(const uint64_t number, file_system(*path));
    layers.push_back(number);
  }
  std::optional<uint64_t> upper;
  if (!paths.upper.empty()) {
    VENEER_TRY(upper, file_system(paths.upper));
  }
  return InoNumbers(layers, upper, join);
}

Result<std::shared_ptr<const Layer>> OpenLayers(const MountPaths& paths, size_t descriptors,
                                                const InoNumbers& numbers) {
  // A quarter of the descriptors for directories of the layers, shared out evenly.
  const size_t each = std::clamp<size_t>(descriptors / 4 / paths.lowers.size(), 4, 256);
  std::vector<std::shared_ptr<const Layer>> layers;
  for (const std::string& path : paths.lowers) {
    struct stat st = {};
    if (::stat(path.c_str(), &st) != 0) return MakeError(Errno{errno}, "layer " + path);
    if (S_ISDIR(st.st_mode)) {
      DirLayerOptions options;
      options.fd_cache = each;
      VENEER_TRY(std::shared_ptr<const Layer> layer, DirLayer::Open(path, options));
      layers.push_back(std::move(layer));
      continue;
    }
    VENEER_TRY(std::shared_ptr<IndexedLayer> layer, IndexedLayer::Open(path, paths.objects));
    // A merged tree has no marks: there is nothing for a stack to do.
    if (paths.lowers.size() == 1 && layer->is_tree()) return layer;
    layers.push_back(std::move(layer));
  }
  return std::make_shared<LayerStack>(std::move(layers), numbers);
}

MountName NameOf(const MountOptions& options) {
  return {"fuse." + options.subtype, options.fsname};
}

Result<std::unique_ptr<Upper>> OpenUpper(const MountOptions& options, const MountPaths& paths) {
  if (paths.upper.empty()) return std::unique_ptr<Upper>();
  UpperOptions upper;
  upper.upperdir = paths.upper;
  upper.workdir = paths.work;
  upper.is_volatile = options.is_volatile;
  upper.redirect_dir = options.redirect_dir;
  upper.metacopy = options.metacopy;
  upper.xattr_permissions = options.xattr_permissions;
  return Upper::Open(upper);
}

// Tells who asks that this process serves the mount at which it can be reached, and umount(8) that
// it may be waited for.
Sys<ServedMount> AnnounceServer(const MountOptions& options, const MountPaths& paths,
                                const struct stat& root) {
  if (paths.device_fd >= 0) return ServedMount::Announce(DeviceOfMount(NameOf(options)));
  if (::geteuid() == 0) {
    IgnoreError(NoteUnmountHelper(options.fsname, paths.mount_point),
                "without it umount(8) does not wait");
  }
  return ServedMount::Announce(root.st_dev);
}

// Waits until the new mount answers, which it does once the kernel and the daemon have agreed on
// the protocol.
void AnnounceMount(const MountOptions& options, const MountPaths& paths, Background& background,
                   Session& session, ServedMount& served) {
  struct stat st = {};
  const bool answers = paths.device_fd >= 0 || ::stat(paths.mount_point.c_str(), &st) == 0;
  if (!answers) PrintLine("the mount does not answer: " + ErrnoText(errno));
  if (answers) {
    Sys<ServedMount> announced = AnnounceServer(options, paths, st);
    if (announced) {
      served = std::move(*announced);
    } else {
      LogWarning("nobody can wait for the end of this mount: " + ErrnoText(announced.error().code));
    }
  }
  if (!answers || !background.Ready()) session.Stop();
}

// Mounts and serves until the end. When it returns, nothing is held any more: the next daemon can
// have the upper directory at once. `served` is set meanwhile, and outlives it for those who wait
// for the end of this process.
Result<void> Serve(const MountOptions& options, const MountPaths& paths, Background& background,
                   size_t descriptors, ServedMount& served) {
  VENEER_TRY(std::unique_ptr<Upper> upper, OpenUpper(options, paths));
  UnionOptions union_options;
  VENEER_TRY(union_options.numbers, FindNumbers(paths, options.xino));
  VENEER_TRY(std::shared_ptr<const Layer> lower,
             OpenLayers(paths, descriptors, union_options.numbers));
  union_options.static_nlink = options.static_nlink;
  union_options.acl = options.acl;
  union_options.before_blocking = Session::BeforeBlocking;
  union_options.given_up = Session::CallerIsBeingKilled;
  UnionFs fs(std::move(lower), std::move(upper), union_options);
  VENEER_TRY(const std::unique_ptr<Session> session, Session::Create(options, paths, fs));
  const Signals signals(
      [&] {
        if (paths.device_fd < 0) {
          FlushMappingsAt(paths.mount_point);
        } else {
          FlushMappingsOf(NameOf(options));
        }
        session->Drain(kDrainLimit);
        session->Stop();
      },
      [&] { LogInfo("statistics of " + paths.mount_point + ": " + session->StatisticsText()); });
  std::thread announce(AnnounceMount, std::cref(options), std::cref(paths), std::ref(background),
                       std::ref(*session), std::ref(served));
  session->Run();
  announce.join();
  IgnoreError(served.AnnounceEnd(), "the next mount then waits for a moment only");
  return {};
}

// What was written is on disk when the daemon is gone, as after the unmount of a file system of the
// kernel.
void SyncUpper(const Fd& upper) {
  if (!upper) return;
  if (const Sys<void> synced = sys::SyncFs(upper.get()); !synced) {
    LogError("writing everything to disk failed: " + ErrnoText(synced.error().code));
  }
}

Result<void> Run(const std::vector<std::string>& args) {
  VENEER_TRY(const MountOptions options, ParseOptions(args));
  if (options.show_help || options.show_version) {
    std::fputs((options.show_help ? HelpText() : VersionText(Session::LibfuseVersion())).c_str(),
               stdout);
    return {};
  }
  if (options.debug) SetLogLevel(LogLevel::kDebug);
  for (const std::string& warning : options.warnings) PrintLine(warning);
  VENEER_TRY(const MountPaths paths, ResolveMountPaths(options));
  const size_t descriptors = PrepareProcess(paths.device_fd);
  BlockSignals();
  Background background;
  if (!options.foreground) {
    VENEER_TRY(background, Background::Fork());
  }
  const bool sync = !paths.upper.empty() && !options.is_volatile;
  const Sys<Fd> upper =
      sync ? sys::OpenFollowing(paths.upper, O_RDONLY | O_DIRECTORY) : Sys<Fd>(Fd());
  ServedMount served;
  const Result<void> done = Serve(options, paths, background, descriptors, served);
  if (paths.device_fd < 0 && ::geteuid() == 0) {
    IgnoreError(ForgetUnmountHelper(paths.mount_point), "the next mount removes what is stale");
  }
  VENEER_TRY_VOID(done);
  if (upper) SyncUpper(*upper);
  return {};
}

}  // namespace
}  // namespace veneer

int main(int argc, char** argv) {
  veneer::LogToStderr("veneerfs");
  veneer::SetLogLevel(veneer::LogLevelFromEnvironment(veneer::LogLevel::kInfo));
  try {
    const veneer::Result<void> done = veneer::Run({argv + 1, argv + argc});
    if (done) return 0;
    veneer::PrintLine(done.error().message());
  } catch (const std::exception& e) {
    veneer::PrintLine(e.what());
  }
  return 1;
}
