// SPDX-License-Identifier: Apache-2.0
//
// URLs of Git repositories, as Docker tells them from other sources (BuildKit's gitutil, and the
// Docker reference, "docker buildx build", "Git repositories"):
//
//   git://HOST/PATH  ssh://HOST/PATH  USER@HOST:PATH  file:///PATH
//   https://HOST/PATH.git  http://HOST/PATH.git  http[s]://github.com/OWNER/NAME
//   github.com/OWNER/NAME, unless it is a path
//
// Behind each, "#REF:DIRECTORY", either of which may be left out; or "?ref=REF&subdir=DIRECTORY",
// with "branch", "tag" and "checksum" beside them. Pure.
#ifndef VENEER_TOOLS_BUILD_GIT_URL_H_
#define VENEER_TOOLS_BUILD_GIT_URL_H_

#include <optional>
#include <string>

#include "layerdb/base/result.h"

namespace veneer {

struct GitUrl {
  std::string remote;     // as Git takes it
  std::string ref;        // a branch, a tag or a commit; empty: the default branch
  std::string directory;  // in the repository, without a slash in front; empty: all of it
  std::optional<std::string> checksum;  // of the commit, or its beginning
  bool may_be_path = false;             // "github.com/...": a path goes before it
};

// nullopt: no URL of a Git repository. Usage errors, with the URL: a name that no branch, tag or
// commit has, such as one that Git would take for an option; a directory with ".."; a query that
// says something else.
Result<std::optional<GitUrl>> ParseGitUrl(const std::string& text);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_GIT_URL_H_
