// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <memory>
#include <utility>

#include "layerdb/model/reference.h"
#include "tools/cli/ask.h"
#include "tools/cli/commands.h"
#include "tools/cli/registry_options.h"
#include "tools/format/table.h"
#include "tools/registry/credential_helper.h"
#include "tools/registry/login.h"

namespace veneer {

namespace {

struct LoginArguments {
  std::string host;
  std::string username;
  std::optional<std::string> password;
  bool password_stdin = false;
  bool get_login = false;
  RegistryOptions registry;
};

Result<void> CheckLogin(const LoginArguments& arguments) {
  if (arguments.password) {
    return MakeError(
        "a password on the command line is seen by everybody on this machine; "
        "give it on standard input, with --password-stdin, or at the prompt",
        ExitCode::kUsage);
  }
  if (arguments.password_stdin && arguments.username.empty()) {
    return MakeError("--password-stdin needs --username", ExitCode::kUsage);
  }
  if (arguments.username.find(':') != std::string::npos) {
    return MakeError("a user name has no colon", ExitCode::kUsage);
  }
  return {};
}

// What a person gives: of the user name, `known` is offered.
Result<Credential> AskForCredential(const LoginArguments& arguments, const std::string& known) {
  Credential credential;
  credential.username = arguments.username;
  if (arguments.password_stdin) {
    VENEER_TRY(credential.password, ReadSecretFromInput());
  } else if (!CanAsk()) {
    return MakeError(
        "there is no terminal to ask for the password; --username and --password-stdin take its "
        "place",
        ExitCode::kUsage);
  } else {
    if (credential.username.empty()) {
      const std::string offer = known.empty() ? "" : " (" + Printable(known) + ")";
      VENEER_TRY(credential.username, Ask("Username" + offer + ": ", Echo::kShown));
      if (credential.username.empty()) credential.username = known;
    }
    VENEER_TRY(credential.password, Ask("Password: ", Echo::kHidden));
  }
  if (credential.username.empty()) return MakeError("the user name is empty");
  if (credential.password.empty()) return MakeError("the password is empty");
  if (credential.username.find(':') != std::string::npos) {
    return MakeError("a user name has no colon");
  }
  if ((credential.username + credential.password).find('\0') != std::string::npos) {
    return MakeError("the password has a zero byte");
  }
  return credential;
}

Result<int> ShowLogin(RegistryAccess& access, const std::string& host) {
  VENEER_TRY(const std::optional<Credential> found, access.credentials().Find(host, ""));
  if (!found) return MakeError("not logged in to " + ServerAddressOf(host), ExitCode::kNotFound);
  PrintLine(Printable(found->username.empty() ? "<token>" : found->username));
  return 0;
}

// As Docker, a login without a user name tries what is there.
Result<bool> TryKnown(RegistryAccess& access, const std::string& host, const Credential& known) {
  PrintLine("Authenticating with existing credentials...");
  const Result<Credential> verified = VerifyLogin(access, host, known);
  if (verified) return true;
  if (verified.error().code() != EACCES || !CanAsk()) return tl::unexpected(verified.error());
  PrintError(verified.error());
  return false;
}

Result<void> LogIn(RegistryAccess& access, const LoginArguments& arguments,
                   const std::string& host) {
  std::optional<Credential> known;
  if (arguments.username.empty()) {
    VENEER_TRY(known, access.credentials().Find(host, ""));
    if (known) {
      VENEER_TRY(const bool done, TryKnown(access, host, *known));
      if (done) return {};
    }
    if (host == kDefaultDomain && CanAsk()) {
      PrintLine("Login with your Docker ID to push and pull images from Docker Hub.");
    }
  }
  VENEER_TRY(const Credential given, AskForCredential(arguments, known ? known->username : ""));
  VENEER_TRY(const Credential verified, VerifyLogin(access, host, given));
  VENEER_TRY(const std::string place, access.credentials().Put(host, verified));
  if (!place.starts_with(kHelperPrefix)) {
    PrintError("WARNING! Your password will be stored unencrypted in " + PrintablePath(place) +
               "; a credential helper (credsStore) keeps it elsewhere");
  }
  return {};
}

Result<int> Login(const LoginArguments& arguments) {
  VENEER_TRY_VOID(CheckLogin(arguments));
  VENEER_TRY(const std::unique_ptr<RegistryAccess> access,
             OpenRegistries(arguments.registry, nullptr));
  const std::string host = RegistryHostOf(arguments.host);
  // No password is asked for where none can be used.
  VENEER_TRY(const Endpoint endpoint, access->config().EndpointOf(host));
  if (arguments.get_login) return ShowLogin(*access, host);
  VENEER_TRY_VOID(LogIn(*access, arguments, host));
  PrintLine("Login Succeeded");
  return 0;
}

struct LogoutArguments {
  std::string host;
  std::optional<std::string> authfile;
  bool all = false;
};

Result<int> Logout(const LogoutArguments& arguments) {
  if (arguments.all && !arguments.host.empty()) {
    return MakeError("--all takes no HOST", ExitCode::kUsage);
  }
  VENEER_TRY(const RegistriesConfig config, RegistriesConfig::Read());
  VENEER_TRY(CredentialStore credentials,
             CredentialStore::Open(arguments.authfile, config.CredentialHelpers()));
  if (arguments.all) {
    VENEER_TRY(const bool erased, credentials.EraseAll());
    PrintLine(erased ? "Removed login credentials for all registries" : "Not logged in");
    return 0;
  }
  const std::string host = RegistryHostOf(arguments.host);
  const std::string shown = PrintablePath(ServerAddressOf(host));
  VENEER_TRY(const bool erased, credentials.Erase(host));
  PrintLine((erased ? "Removing login credentials for " : "Not logged in to ") + shown);
  return 0;
}

constexpr std::string_view kHostHelp = "The registry, HOST[:PORT]; default Docker Hub";

}  // namespace

CommandSpec LoginCommand() {
  auto arguments = std::make_shared<LoginArguments>();
  CommandSpec command = {
      .name = "login",
      .summary = "Show a registry who you are, and keep that for later commands",
      .positionals = {{TextValue("HOST"), &arguments->host, kHostHelp, Need::kOptional}},
      .options =
          {
              {"-u,--username", &arguments->username, TextValue("NAME"), "The user"},
              Option("-p,--password", &arguments->password, TextValue("PASSWORD"), "").Hidden(),
              {"--password-stdin", &arguments->password_stdin,
               "Read the password from standard input; without it, it is asked for"},
              {"--get-login", &arguments->get_login, "Print the user of an earlier login"},
          },
      .run = [arguments](Context&) { return Login(*arguments); },
  };
  AddRegistryOptions(&command, &arguments->registry);
  return command;
}

CommandSpec LogoutCommand() {
  auto arguments = std::make_shared<LogoutArguments>();
  return {
      .name = "logout",
      .summary = "Forget who you are for a registry",
      .positionals = {{TextValue("HOST"), &arguments->host, kHostHelp, Need::kOptional}},
      .options =
          {
              {"-a,--all", &arguments->all, "For all registries"},
              {"--authfile", &arguments->authfile, FileValue("FILE"),
               "Remove the credentials from here alone"},
          },
      .run = [arguments](Context&) { return Logout(*arguments); },
  };
}

}  // namespace veneer
