// SPDX-License-Identifier: Apache-2.0
//
// Files of Git repositories, for ADD and as a build's context, by the program `git`: a commit with
// its submodules is checked out into a directory of its own.
//
// A repository is not trusted: no hook of anybody's runs, nothing is asked on the terminal, and a
// path of this machine is a repository only where the caller names it by file://, never where a
// submodule or a Dockerfile does. For a URL that the caller gives, the configuration of whoever
// builds counts: proxies, helpers for credentials, ssh. For one that a Dockerfile gives, which may
// be a stranger's, no key, password or setting of theirs does, but the agent that they name.
//
// All files have the time of the commit, so that the same commit gives the same layer; Docker gives
// them that of the checkout. Thread-safe.
#ifndef VENEER_TOOLS_BUILD_GIT_SOURCE_H_
#define VENEER_TOOLS_BUILD_GIT_SOURCE_H_

#include <optional>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/git_url.h"
#include "tools/build/temporary_dir.h"

namespace veneer {

struct GitRequest {
  GitUrl url;
  std::string directory;  // where the one of the clone is made: StoreWriter::dir()
  // The commit or tag that it must be, or at least 7 digits of it; beside that of the URL.
  std::optional<std::string> checksum;
  bool keep_git_dir = false;             // leaves .git
  bool of_dockerfile = false;            // it gives the URL (ADD), and not the caller
  std::string agent;                     // with that: the socket of an ssh agent; empty: none
  const Cancellation* cancel = nullptr;  // outlives the call; noticed between two runs of git
};

struct GitClone {
  TemporaryDir directory;  // of the whole repository
  std::string path;        // of what GitUrl::directory names: its files are copied
  std::string commit;      // 40 or 64 digits
};

// Fetches a commit alone where the server can, else with its history. Errors begin with the URL,
// without a password: git is missing; what it says; file:// of a Dockerfile (kUsage); another
// commit than the checksum (a usage error where that is none); a password in the URL, which a .git
// that is kept would tell; GitUrl::directory is not there, is no directory, or is reached through a
// symlink that leaves the repository.
Result<GitClone> CloneGit(const GitRequest& request);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_GIT_SOURCE_H_
