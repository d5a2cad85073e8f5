// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/run_options.h"

#include <optional>

#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/instruction_flags.h"

namespace veneer {

namespace {

tl::unexpected<Error> RunError(const std::string& why) { return InstructionError("RUN: " + why); }

struct RunFlags {
  std::vector<std::string> mounts;  // as they are written
  RunOptions options;               // without mounts
};

Result<RunFlags> ReadRunFlags(const Instruction& instruction) {
  for (const InstructionFlag& flag : instruction.flags) {
    if (flag.name == "device") return RunError("--device is not supported");
  }
  VENEER_TRY(const FlagValues flags,
             FlagValues::Read(instruction, {{"mount", KnownFlag::Kind::kList},
                                            {"network", KnownFlag::Kind::kText},
                                            {"security", KnownFlag::Kind::kText}}));
  RunFlags run{.mounts = flags.List("mount"), .options = {}};
  const std::string network = flags.Text("network").value_or("default");
  if (network == "none") {
    run.options.network = RunOptions::Network::kNone;
  } else if (network == "host") {
    run.options.network = RunOptions::Network::kHost;
  } else if (network != "default") {
    return RunError("--network=" + network + ": the value is default, none or host");
  }
  const std::string security = flags.Text("security").value_or("sandbox");
  run.options.insecure = security == "insecure";
  if (!run.options.insecure && security != "sandbox") {
    return RunError("--security=" + security + ": the value is sandbox or insecure");
  }
  return run;
}

// The error in front of it names the flag as it is written.
tl::unexpected<Error> AtMount(const std::string& mount, Error error) {
  return tl::unexpected(std::move(error).Context("RUN: --mount=" + Printable(mount)));
}

}  // namespace

Result<RunOptions> ParseRun(const Instruction& instruction, WordExpander expand) {
  VENEER_TRY(RunFlags run, ReadRunFlags(instruction));
  size_t agents = 0;
  for (const std::string& text : run.mounts) {
    Result<RunMount> mount = ParseRunMount(text, expand);
    if (!mount) return AtMount(text, std::move(mount).error());
    if (mount->type == RunMount::Type::kSsh) {
      const std::string number = std::to_string(agents++);
      if (mount->target.empty()) mount->target = "/run/buildkit/ssh_agent." + number;
    }
    run.options.mounts.push_back(*std::move(mount));
  }
  return std::move(run.options);
}

Result<std::vector<std::string>> RunMountSources(const Instruction& instruction) {
  VENEER_TRY(const RunFlags run, ReadRunFlags(instruction));
  std::vector<std::string> sources;
  for (const std::string& text : run.mounts) {
    Result<std::optional<std::string>> source = RunMountSource(text);
    if (!source) return AtMount(text, std::move(source).error());
    if (*source) sources.push_back(**std::move(source));
  }
  return sources;
}

}  // namespace veneer
