// SPDX-License-Identifier: Apache-2.0
#include "tools/build/git_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/files.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "tools/process/process.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFetched = "FETCH_HEAD";
// git-config(1), for every run, the user's own configuration notwithstanding. By the environment,
// which submodules get, too.
constexpr std::pair<const char*, const char*> kGitConfig[] = {
    {"core.hooksPath", "/dev/null"},      {"core.fsmonitor", "false"},
    {"core.autocrlf", "false"},           {"gc.auto", "0"},
    {"maintenance.auto", "false"},        {"submodule.recurse", "false"},
    {"fetch.recurseSubmodules", "false"}, {"advice.detachedHead", "false"},
    {"init.defaultBranch", "main"},       {"protocol.allow", "never"},
    {"protocol.http.allow", "always"},    {"protocol.https.allow", "always"},
    {"protocol.git.allow", "always"},     {"protocol.ssh.allow", "always"},
    {"protocol.ext.allow", "never"},
};
// A build may be started by a hook of another repository (git rev-parse --local-env-vars).
constexpr const char* kGitVariables[] = {"GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                         "GIT_CONFIG",
                                         "GIT_CONFIG_PARAMETERS",
                                         "GIT_OBJECT_DIRECTORY",
                                         "GIT_DIR",
                                         "GIT_WORK_TREE",
                                         "GIT_IMPLICIT_WORK_TREE",
                                         "GIT_GRAFT_FILE",
                                         "GIT_INDEX_FILE",
                                         "GIT_NO_REPLACE_OBJECTS",
                                         "GIT_REPLACE_REF_BASE",
                                         "GIT_PREFIX",
                                         "GIT_SHALLOW_FILE",
                                         "GIT_COMMON_DIR",
                                         "GIT_NAMESPACE",
                                         "GIT_ALLOW_PROTOCOL",
                                         "GIT_PROTOCOL_FROM_USER"};

// Nothing of the caller's: configuration, .netrc, keys. ssh checks hosts by known_hosts as ever.
void HideCaller(const std::string& agent, std::vector<std::string>* environment) {
  for (const char* variable :
       {"HOME=/nonexistent", "XDG_CONFIG_HOME=/nonexistent", "GIT_CONFIG_GLOBAL=/dev/null",
        "GIT_CONFIG_NOSYSTEM=1",
        "GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o IdentityFile=none "
        "-o PreferredAuthentications=publickey"}) {
    environment->emplace_back(variable);
  }
  environment->push_back("SSH_AUTH_SOCK=" + agent);
}

bool IsFile(const GitUrl& url) { return url.remote.starts_with("file://"); }

std::vector<std::string> GitEnvironment(const GitRequest& request) {
  std::vector<std::string> environment = {
      "LC_ALL=C",
      "GIT_TERMINAL_PROMPT=0",
      "GIT_ASKPASS=",
      // ssh asks this program, which fails, and never the terminal.
      "SSH_ASKPASS_REQUIRE=force",
      "SSH_ASKPASS=/bin/false",
      "GIT_TEMPLATE_DIR=",
      "GIT_LFS_SKIP_SMUDGE=1",
  };
  size_t count = 0;
  const auto add = [&](const std::string& key, const std::string& value) {
    const std::string number = std::to_string(count++);
    environment.push_back("GIT_CONFIG_KEY_" + number + "=" + key);
    environment.push_back("GIT_CONFIG_VALUE_" + number + "=" + value);
  };
  for (const auto& [key, value] : kGitConfig) add(key, value);
  // "user": not where a submodule says so.
  add("protocol.file.allow", IsFile(request.url) && !request.of_dockerfile ? "user" : "never");
  environment.push_back("GIT_CONFIG_COUNT=" + std::to_string(count));
  if (request.of_dockerfile) HideCaller(request.agent, &environment);
  return environment;
}

bool IsHex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

// What may be a commit or its beginning.
bool LooksLikeCommit(std::string_view text) {
  return text.size() >= 7 && text.size() <= 64 && IsHex(text);
}

// The line of an output that says why git failed.
std::string WhyGitFailed(std::string_view text) {
  std::string_view why;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    for (const std::string_view prefix : {"fatal: ", "error: "}) {
      if (line.starts_with(prefix)) return std::string(line.substr(prefix.size()));
    }
    if (!line.empty()) why = line;
  }
  return std::string(why);
}

class GitCheckout {
 public:
  GitCheckout(const GitRequest& request, std::string path)
      : request_(request),
        url_(request.url),
        shown_(PrintableUrl(request.url.remote)),
        path_(std::move(path)),
        environment_(GitEnvironment(request)) {}

  // Returns the commit.
  Result<std::string> Run() {
    VENEER_TRY_VOID(Git({"init", "-q"}));
    VENEER_TRY_VOID(WriteRemote());
    VENEER_TRY(const std::string fetched, Fetch());
    VENEER_TRY(const std::string object, Git({"rev-parse", fetched}));
    VENEER_TRY(const std::string commit, Git({"rev-parse", fetched + "^{commit}"}));
    for (const auto& checksum : {request_.checksum, url_.checksum}) {
      if (checksum) VENEER_TRY_VOID(CheckCommit(*checksum, object, commit));
    }
    VENEER_TRY_VOID(Git({"checkout", "-q", commit}));
    if (Exists(path_ + "/.gitmodules")) VENEER_TRY_VOID(UpdateSubmodules());
    VENEER_TRY(const int64_t time, TimeOf(commit));
    if (!request_.keep_git_dir) VENEER_TRY_VOID(RemoveGitDirs());
    VENEER_TRY_VOID(SetTimes(time));
    return commit;
  }

  // The path of GitUrl::directory.
  Result<std::string> Directory() const {
    const std::string what = shown_ + ": its directory " + QuotedPath(url_.directory);
    std::error_code error;
    const fs::path root = fs::canonical(path_, error);
    if (error) return MakeError(Errno{error.value()}, what);
    if (url_.directory.empty()) return root.string();
    const fs::path found = fs::canonical(root / url_.directory, error);
    if (error) return MakeError(Errno{error.value()}, what);
    if (found != root && !found.string().starts_with(root.string() + "/")) {
      return MakeError(what + " leaves the repository by a symlink");
    }
    if (!fs::is_directory(found, error)) return MakeError(what + " is no directory");
    return found.string();
  }

 private:
  // Runs git in the clone, and returns what it prints, without the last newline.
  Result<std::string> Git(const std::vector<std::string>& words) const {
    VENEER_TRY_VOID(Cancellation::Check(request_.cancel));
    Command command;
    command.argv = {"git", "-C", path_};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.environment = environment_;
    command.keep_output = true;
    command.prepare = []() -> Result<void> {
      for (const char* variable : kGitVariables) ::unsetenv(variable);
      ::umask(022);  // as BuildKit: modes are the repository's
      return {};
    };
    VENEER_TRY(Outcome outcome, RunCommand(command));
    if (outcome.exit_code == 127 && outcome.error_text.starts_with("git: ")) {
      return MakeError(shown_ + ": the program git is needed, and cannot be started (" +
                       outcome.error_text.substr(5) + "); install it");
    }
    if (outcome.exit_code != 0) {
      std::string why = WhyGitFailed(outcome.error_text);
      // A URL in it may hold a password.
      const size_t at = why.find(url_.remote);
      if (at != std::string::npos) why.replace(at, url_.remote.size(), shown_);
      if (why.empty()) why = "git ended with exit code " + std::to_string(outcome.exit_code);
      return MakeError(shown_ + ": " + Printable(why));
    }
    if (outcome.output.ends_with('\n')) outcome.output.pop_back();
    return std::move(outcome.output);
  }

  // Writes where the repository comes from: in an argument all users of the machine could read a
  // password.
  Result<void> WriteRemote() const {
    const std::string file = path_ + "/.git/config";
    std::string text = "[remote \"origin\"]\n\turl = \"";
    for (const char c : url_.remote)
      text += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    text += "\"\n";
    VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(file), O_WRONLY), file);
    VENEER_TRY_CTX(const struct stat st, sys::Stat({fd.get()}), file);
    VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), text, static_cast<uint64_t>(st.st_size)), file);
    return {};
  }

  // What was fetched, as git names it.
  Result<std::string> Fetch() const {
    const std::string ref = url_.ref.empty() ? "HEAD" : url_.ref;
    Result<std::string> done = Git({"fetch", "-q", "--depth=1", "origin", ref});
    if (done) return std::string(kFetched);
    // A server of plain files has no part of a history to give.
    if (done.error().message().find("shallow") != std::string::npos) {
      done = Git({"fetch", "-q", "origin", ref});
      if (done) return std::string(kFetched);
    }
    if (!LooksLikeCommit(ref)) return tl::unexpected(std::move(done).error());
    // Few servers give a commit that no branch is at, and none by the beginning of its digits.
    VENEER_TRY_VOID(Git({"fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*",
                         "+refs/tags/*:refs/tags/*"}));
    return ref;
  }

  Result<void> CheckCommit(const std::string& checksum, const std::string& object,
                           const std::string& commit) const {
    if (!LooksLikeCommit(checksum)) {
      return MakeError("the checksum " + QuotedExcerpt(checksum) +
                           " is no commit: 40 hexadecimal digits, or at least the first 7",
                       ExitCode::kUsage);
    }
    const std::string digits = LowerCase(checksum);
    if (commit.starts_with(digits) || object.starts_with(digits)) return {};
    return MakeError(shown_ + ": its commit is " + commit + " and not " + digits);
  }

  Result<void> UpdateSubmodules() const {
    const Result<std::string> done =
        Git({"submodule", "-q", "update", "--init", "--recursive", "--depth=1"});
    if (done) return {};
    VENEER_TRY_VOID(Git({"submodule", "-q", "update", "--init", "--recursive"}));
    return {};
  }

  // With the files that lead from the submodules to it.
  Result<void> RemoveGitDirs() const {
    if (Exists(path_ + "/.gitmodules")) {
      VENEER_TRY(const std::string paths, Git({"submodule", "-q", "foreach", "--recursive",
                                               "printf '%s\\0' \"$displaypath\""}));
      for (size_t at = 0; at < paths.size();) {
        const std::string path = paths.c_str() + at;
        at += path.size() + 1;
        VENEER_TRY_CTX_VOID(RemoveFile(path_ + "/" + path + "/.git"), QuotedPath(path));
      }
    }
    VENEER_TRY_CTX_VOID(RemoveTree(path_ + "/.git"), shown_ + ": remove .git");
    return {};
  }

  Result<int64_t> TimeOf(const std::string& commit) const {
    // "committer NAME <MAIL> SECONDS ZONE", before the message.
    VENEER_TRY(const std::string text, Git({"cat-file", "commit", commit}));
    const size_t line = text.find("\ncommitter ");
    const size_t mail = text.find("> ", line);
    std::string_view rest = std::string_view(text).substr(mail == std::string::npos ? 0 : mail + 2);
    int64_t time = 0;
    if (line == std::string::npos || !TakeNumber(&rest, &time)) {
      return MakeError(shown_ + ": the commit " + commit + " has no time");
    }
    return time;
  }

  Result<void> SetTimes(int64_t time) const {
    const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(time), 0}};
    const auto set = [&](const std::string& path) -> Result<void> {
      VENEER_TRY_CTX_VOID(sys::SetTimes(sys::Path(path), times), "set the time of " + path);
      return {};
    };
    std::error_code error;
    for (fs::recursive_directory_iterator at(path_, error); !error && at != fs::end(at);
         at.increment(error)) {
      VENEER_TRY_VOID(set(at->path()));
    }
    if (error) return MakeError(Errno{error.value()}, "read " + path_);
    return set(path_);
  }

  const GitRequest& request_;
  const GitUrl& url_;
  const std::string shown_;
  const std::string path_;
  const std::vector<std::string> environment_;
};

}  // namespace

Result<GitClone> CloneGit(const GitRequest& request) {
  const std::string& remote = request.url.remote;
  if (request.of_dockerfile && IsFile(request.url)) {
    return MakeError(PrintableUrl(remote) +
                         ": a Dockerfile takes no repository of this machine; give it as a context",
                     ExitCode::kUsage);
  }
  if (request.keep_git_dir && IsHttpUrl(remote) && WithoutPassword(remote) != remote) {
    return MakeError(PrintableUrl(remote) +
                         ": the password of its URL would stay in the .git that is kept; have a "
                         "credential helper of git give it",
                     ExitCode::kUsage);
  }
  VENEER_TRY(TemporaryDir directory, TemporaryDir::Make(request.directory));
  GitCheckout checkout(request, directory.path());
  VENEER_TRY(std::string commit, checkout.Run());
  VENEER_TRY(std::string path, checkout.Directory());
  return GitClone{std::move(directory), std::move(path), std::move(commit)};
}

}  // namespace veneer
