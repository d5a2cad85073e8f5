// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <thread>

#include "layerdb/base/fd.h"
#include "layerdb/base/stats_ioctl.h"
#include "layerdb/base/sys.h"
#include "tools/cli/commands.h"
#include "tools/format/json.h"
#include "tools/format/table.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct StatsArguments {
  std::string target;
  std::string format = "table";
  bool watch = false;
};

// Where a container is mounted; anything with a slash is a mount point, of `veneer mount` or of
// veneerfs by hand.
Result<std::string> MountPointOf(Context& context, const std::string& target) {
  if (target.find('/') != std::string::npos) return target;
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const ContainerRecord container, FindContainer(*store, target));
  VENEER_TRY(const MountStatus status, StatusOf(*store, container));
  if (status.state != MountState::kMounted) {
    return MakeError("container " + target + " is not mounted");
  }
  if (status.elsewhere) {
    return MakeError("container " + target + " is mounted at " + status.mount_point +
                     " in another mount namespace; ask there");
  }
  return status.mount_point;
}

Result<Json> ReadStatistics(const std::string& mount_point) {
  VENEER_TRY_CTX(const Fd root, sys::OpenFollowing(mount_point, O_RDONLY | O_DIRECTORY),
                 mount_point);
  auto answer = std::make_unique<StatsText>();
  if (::ioctl(root.get(), kStatsIoctl, answer.get()) != 0) {
    if (errno == ENOTTY) return MakeError(mount_point + " is not a mount of veneerfs");
    return MakeError(Errno{errno}, mount_point);
  }
  return ParseJson(answer->text);
}

std::string Number(const Json& object, const char* key) {
  return std::to_string(object.value(key, uint64_t{0}));
}

// Microseconds with a unit that leaves few digits.
std::string Duration(double microseconds) {
  std::array<char, 32> text{};
  if (microseconds < 1000) {
    std::snprintf(text.data(), text.size(), "%.1fus", microseconds);
  } else if (microseconds < 1e6) {
    std::snprintf(text.data(), text.size(), "%.2fms", microseconds / 1000);
  } else {
    std::snprintf(text.data(), text.size(), "%.2fs", microseconds / 1e6);
  }
  return text.data();
}

void PrintTable(const Json& stats) {
  Table requests({"REQUEST", "COUNT", "TOTAL", "P50", "P99"});
  for (const Json& one : stats.value("requests", Json::array())) {
    requests.Add({one.value("kind", "other"), Number(one, "count"),
                  Duration(one.value("total_us", 0.0)), Duration(one.value("p50_us", 0.0)),
                  Duration(one.value("p99_us", 0.0))});
  }
  Print(requests.ToString());
  const auto size = [&](const char* key) { return HumanSize(stats.value(key, uint64_t{0})); };
  PrintLine("");
  PrintLine("Mounted for " + Number(stats, "seconds") + " s; the kernel knows " +
            Number(stats, "nodes") + " files and directories; " +
            Number(stats, "directories_merged") + " directories merged");
  PrintLine("Read " + size("bytes_read") + ", written " + size("bytes_written"));
  PrintLine("Copied up: " + Number(stats, "metadata_copy_ups") + " attributes alone, " +
            Number(stats, "data_copy_ups") + " contents (" + size("bytes_copied_up") + ")");
  PrintLine("Open files found in the cache " + Number(stats, "descriptor_hits") +
            " times, not found " + Number(stats, "descriptor_misses") + " times");
}

Result<int> Stats(Context& context, const StatsArguments& arguments) {
  VENEER_TRY(const std::string mount_point, MountPointOf(context, arguments.target));
  const bool redraw =
      arguments.watch && arguments.format == "table" && ::isatty(STDOUT_FILENO) != 0;
  while (true) {
    VENEER_TRY(const Json stats, ReadStatistics(mount_point));
    if (redraw) Print("\x1b[H\x1b[2J");
    if (arguments.format == "json") {
      PrintLine(DumpJson(stats));
    } else {
      PrintTable(stats);
    }
    if (!arguments.watch) return 0;
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

CommandSpec StatsCommand() {
  auto arguments = std::make_shared<StatsArguments>();
  return {
      .name = "stats",
      .summary = "Show the statistics of a mounted container's file system",
      .positionals = {{ContainerOrDirectoryValue(), &arguments->target,
                       "A container, or the directory it is mounted at (with a slash)"}},
      .options =
          {
              {"--format", &arguments->format, OneOfValue("FORMAT", {"table", "json"}),
               "table or json"},
              {"--watch", &arguments->watch, "Again every second, until Ctrl-C"},
          },
      .run = [arguments](Context& context) { return Stats(context, *arguments); },
  };
}

}  // namespace veneer
