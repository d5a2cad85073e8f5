// SPDX-License-Identifier: Apache-2.0
#include "tools/run/host_facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "layerdb/base/parse.h"
#include "tools/process/process.h"

namespace veneer {

namespace {

constexpr std::pair<int, int> kPassthroughSince = {6, 9};
constexpr std::pair<int, int> kIdmappedSince = {6, 12};

// "6.18.1-amd64" is 6 and 18; zeros for what is no version.
std::pair<int, int> VersionOf(std::string_view release) {
  std::pair<int, int> version = {0, 0};
  if (!TakeNumber(&release, &version.first) || !release.starts_with('.')) return {0, 0};
  release.remove_prefix(1);
  return TakeNumber(&release, &version.second) ? version : std::pair(0, 0);
}

// What a program writes, to standard error as well.
Result<std::string> OutputOf(const std::string& program, const char* argument) {
  Command command;
  command.argv = {program, argument};
  command.prepare = []() -> Result<void> {
    if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return MakeError(Errno{errno}, "dup2");
    return {};
  };
  VENEER_TRY(Outcome outcome, RunCommand(command));
  if (outcome.exit_code == 0) return std::move(outcome.error_text);
  return MakeError(program + " ended with " + std::to_string(outcome.exit_code));
}

}  // namespace

KernelFeatures FeaturesOf(std::string_view release,
                          const std::optional<std::string>& enable_uring) {
  KernelFeatures features;
  features.release = std::string(release);
  const std::pair<int, int> version = VersionOf(release);
  features.passthrough = version >= kPassthroughSince;
  features.idmapped = version >= kIdmappedSince;
  if (enable_uring) features.io_uring = enable_uring->starts_with('Y');
  return features;
}

KernelFeatures FeaturesOfKernel() {
  struct utsname kernel = {};
  if (::uname(&kernel) != 0) return {};
  std::ifstream file("/sys/module/fuse/parameters/enable_uring");
  std::string word;
  if (!(file >> word)) return FeaturesOf(kernel.release, std::nullopt);
  return FeaturesOf(kernel.release, word);
}

Result<std::string> LibfuseVersionOf(const std::string& veneerfs) {
  VENEER_TRY(const std::string text, OutputOf(veneerfs, "--version"));
  constexpr std::string_view kWord = "\nlibfuse ";
  const size_t at = text.find(kWord);
  if (at == std::string::npos) return MakeError(veneerfs + " does not say its libfuse");
  const size_t start = at + kWord.size();
  return text.substr(start, text.find('\n', start) - start);
}

}  // namespace veneer
