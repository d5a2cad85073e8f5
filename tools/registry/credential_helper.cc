// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/credential_helper.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/format/json.h"
#include "tools/process/process.h"

namespace veneer {

namespace {

constexpr const char* kTokenUser = "<token>";
constexpr std::string_view kNotFound = "credentials not found in native keychain";
constexpr int kCannotStart = 127;
constexpr size_t kMaxWords = 200;

// The first line that says something, as it may be shown.
std::string FirstLine(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  text = text.substr(0, std::min(text.find_first_of("\r\n"), kMaxWords));
  return Printable(text);
}

// What a program that failed says of it. Nothing is shown that could be, or hold, a secret: the one
// that the program got, or an answer of the form that has one.
std::string WordsOf(const Outcome& outcome, std::string_view secret) {
  for (const std::string& text : {outcome.output, outcome.error_text}) {
    const bool tells = (!secret.empty() && text.find(secret) != std::string::npos) ||
                       text.find_first_of("{}") != std::string::npos ||
                       text.find("Secret") != std::string::npos;
    if (std::string line = FirstLine(text); !tells && !line.empty()) return line;
  }
  return "exit code " + std::to_string(outcome.exit_code);
}

bool SaysNotFound(const Outcome& outcome) {
  return outcome.exit_code != 0 && (outcome.output.find(kNotFound) != std::string::npos ||
                                    outcome.error_text.find(kNotFound) != std::string::npos);
}

// Its output. nullopt: it fails because it has no such credential.
Result<std::optional<std::string>> Call(const CredentialHelper& helper, const char* action,
                                        std::string input, std::string_view secret) {
  Command command;
  command.argv = {helper.program, action};
  command.input = std::move(input);
  command.keep_output = true;
  command.time_limit = helper.time_limit;
  VENEER_TRY(Outcome outcome, RunCommand(command));
  if (outcome.timed_out) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(helper.time_limit);
    return MakeError(helper.program + ": no answer to \"" + action + "\" within " +
                     std::to_string(seconds.count()) + " s");
  }
  if (outcome.exit_code == 0) return std::optional<std::string>(std::move(outcome.output));
  if (SaysNotFound(outcome)) return std::optional<std::string>();
  const std::string words = WordsOf(outcome, secret);
  if (outcome.exit_code == kCannotStart && words.starts_with(helper.program)) {
    return MakeError(words + "; the credential helper has to be in PATH");
  }
  return MakeError(helper.program + ": \"" + action + "\" fails: " + words);
}

Result<std::optional<Credential>> ParseAnswer(std::string_view text) {
  VENEER_TRY(const Json answer, ParseJson(text));
  VENEER_TRY(std::optional<std::string> username, GetString(answer, "Username"));
  VENEER_TRY(std::optional<std::string> secret, GetString(answer, "Secret"));
  if (!username) return MakeError("\"Username\" is missing");
  if (!secret) return MakeError("\"Secret\" is missing");
  if (username->empty() && secret->empty()) return std::optional<Credential>();
  Credential credential;
  if (*username == kTokenUser) {
    credential.identity_token = std::move(*secret);
  } else {
    credential.username = std::move(*username);
    credential.password = std::move(*secret);
  }
  return std::optional<Credential>(std::move(credential));
}

}  // namespace

Result<std::optional<Credential>> GetFromHelper(const CredentialHelper& helper) {
  VENEER_TRY(const std::optional<std::string> text, Call(helper, "get", helper.server, ""));
  if (!text) return std::optional<Credential>();
  Result<std::optional<Credential>> credential = ParseAnswer(*text);
  if (!credential) {
    return tl::unexpected(
        std::move(credential)
            .error()
            .Context(helper.program + ": the answer to \"get\" is not a credential"));
  }
  return credential;
}

Result<void> StoreInHelper(const CredentialHelper& helper, const Credential& credential) {
  const bool token = !credential.identity_token.empty();
  const std::string& secret = token ? credential.identity_token : credential.password;
  Json document;
  document["ServerURL"] = helper.server;
  document["Username"] = token ? kTokenUser : credential.username;
  document["Secret"] = secret;
  const std::string text = DumpJson(document);
  if (const Result<Json> same = ParseJson(text); !same || *same != document) {
    return MakeError(helper.program + ": a credential that is not UTF-8 cannot be stored");
  }
  VENEER_TRY(const std::optional<std::string> done, Call(helper, "store", text, secret));
  if (!done) return MakeError(helper.program + ": \"store\" fails: " + std::string(kNotFound));
  return {};
}

Result<void> EraseFromHelper(const CredentialHelper& helper) {
  VENEER_TRY(const std::optional<std::string> done, Call(helper, "erase", helper.server, ""));
  IgnoreError(done, "none is as good as one that is erased");
  return {};
}

Result<std::vector<std::string>> ListOfHelper(const CredentialHelper& helper) {
  VENEER_TRY(const std::optional<std::string> text, Call(helper, "list", "", ""));
  std::vector<std::string> servers;
  if (!text || text->empty()) return servers;
  const Result<Json> document = ParseJson(*text);
  if (!document) {
    return MakeError(helper.program + ": the answer to \"list\" is not a list of servers");
  }
  for (const auto& [server, user] : document->items()) servers.push_back(server);
  return servers;
}

}  // namespace veneer
