// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/store_path.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace veneer {
namespace {

std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::string Absolute(const std::string& path, const std::string& cwd) {
  std::string absolute = (std::filesystem::path(cwd) / path).lexically_normal().string();
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  return absolute;
}

bool IsSet(const std::optional<std::string>& value) { return value && !value->empty(); }

}  // namespace

StorePathInputs StorePathInputsOfProcess(std::optional<std::string> root_option) {
  StorePathInputs inputs;
  inputs.root_option = std::move(root_option);
  inputs.veneer_root = Variable("VENEER_ROOT");
  inputs.xdg_data_home = Variable("XDG_DATA_HOME");
  inputs.home = Variable("HOME");
  inputs.uid = geteuid();
  std::error_code ignored;  // a lost working directory only matters to a relative path
  const std::filesystem::path cwd = std::filesystem::current_path(ignored);
  if (!cwd.empty()) inputs.cwd = cwd.string();
  return inputs;
}

Result<std::string> ResolveStorePath(const StorePathInputs& inputs) {
  if (inputs.root_option) {
    if (inputs.root_option->empty()) {
      return MakeError("--root needs a directory", ExitCode::kUsage);
    }
    return Absolute(*inputs.root_option, inputs.cwd);
  }
  if (IsSet(inputs.veneer_root)) return Absolute(*inputs.veneer_root, inputs.cwd);
  if (inputs.uid == 0) return std::string("/var/lib/veneer");
  if (IsSet(inputs.xdg_data_home) && inputs.xdg_data_home->front() == '/') {
    return Absolute(*inputs.xdg_data_home + "/veneer", "/");
  }
  if (IsSet(inputs.home)) return Absolute(*inputs.home + "/.local/share/veneer", inputs.cwd);
  return MakeError("no place for the store: neither --root, VENEER_ROOT nor HOME is set",
                   ExitCode::kUsage);
}

}  // namespace veneer
