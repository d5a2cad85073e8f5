// SPDX-License-Identifier: Apache-2.0
#include "tools/run/session_spec.h"

#include "tools/oci/config.h"

namespace veneer {

namespace {

// Puts NAME=VALUE in place of an earlier one of that name, or at the end.
void SetVariable(std::vector<std::string>* environment, const std::string& variable) {
  const size_t equal = variable.find('=');
  if (equal == std::string::npos || equal == 0) return;
  const std::string_view prefix = std::string_view(variable).substr(0, equal + 1);
  for (std::string& present : *environment) {
    if (present.starts_with(prefix)) {
      present = variable;
      return;
    }
  }
  environment->push_back(variable);
}

}  // namespace

Result<BindMount> ParseBind(std::string_view text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ':' || text[i + 1] == '\\')) {
      parts.back() += text[++i];
    } else if (text[i] == ':') {
      parts.emplace_back();
    } else {
      parts.back() += text[i];
    }
  }
  const auto bad = [&](const char* why) {
    return MakeError(std::string(text) + ": " + why, ExitCode::kUsage);
  };
  if (parts.size() < 2 || parts.size() > 3) return bad("it must be SOURCE:DESTINATION[:ro]");
  BindMount bind;
  bind.source = parts[0];
  bind.destination = parts[1];
  if (bind.source.empty()) return bad("the source is empty");
  if (!bind.destination.starts_with('/')) return bad("the destination must be an absolute path");
  if (bind.destination.find_first_not_of("/.") == std::string::npos) {
    return bad("the destination cannot be the root");
  }
  if (parts.size() == 3 && parts[2] != "ro" && parts[2] != "rw") return bad("the mode is ro or rw");
  bind.read_only = parts.size() == 3 && parts[2] == "ro";
  return bind;
}

std::string HostsText(std::string_view hosts, const SessionSpec& spec) {
  std::string text(hosts);
  if (spec.hostname.empty() && spec.extra_hosts.empty()) return text;
  if (text.empty()) text = "127.0.0.1\tlocalhost\n::1\tlocalhost\n";
  if (!text.ends_with('\n')) text += '\n';
  if (!spec.hostname.empty()) text += "127.0.0.1\t" + spec.hostname + "\n";
  for (const auto& [name, address] : spec.extra_hosts) text += address + "\t" + name + "\n";
  return text;
}

std::vector<std::string> ComposeEnvironment(const std::vector<std::string>& given,
                                            const Account& account, std::string_view term) {
  std::vector<std::string> environment = {"PATH=" + std::string(kDefaultPath),
                                          "HOME=" + account.home};
  if (!term.empty()) environment.push_back("TERM=" + std::string(term));
  for (const std::string& variable : given) SetVariable(&environment, variable);
  return environment;
}

}  // namespace veneer
