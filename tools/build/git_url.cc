// SPDX-License-Identifier: Apache-2.0
#include "tools/build/git_url.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"
#include "tools/build/source_tree.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

bool IsGitNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

// USER@HOST:PATH
bool IsScpForm(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return false;
  const size_t colon = text.find(':', at);
  if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
  const std::string_view user = text.substr(0, at);
  const std::string_view host = text.substr(at + 1, colon - at - 1);
  const auto is_name = [](std::string_view name) {
    return !name.empty() && name.front() != '-' && std::ranges::all_of(name, IsGitNameCharacter);
  };
  return is_name(user) && is_name(host);
}

// http and https: what follows "://".
bool IsHttpRepository(std::string_view rest) {
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view path = rest.substr(slash + 1);
  if (path.ends_with(".git")) return true;
  // A page for people is no file that anybody copies.
  std::vector<std::string> names;
  AddComponents(path, &names);
  return rest.substr(0, slash) == "github.com" && names.size() == 2;
}

bool IsRepository(std::string_view text) {
  for (const std::string_view scheme : {"git://", "ssh://", "file://"}) {
    // No host that ssh would take for an option.
    if (text.starts_with(scheme)) return text.size() > scheme.size() && text[scheme.size()] != '-';
  }
  if (IsHttpUrl(text)) return IsHttpRepository(text.substr(text.find("://") + 3));
  return text.find("://") == std::string_view::npos && IsScpForm(text);
}

tl::unexpected<Error> BadGitUrl(const std::string& url, std::string_view why) {
  return MakeError(PrintableUrl(url) + ": " + std::string(why), ExitCode::kUsage);
}

// git-check-ref-format(1), and nothing that fetch takes for more than a name.
bool IsRefName(std::string_view ref) {
  const bool plain = std::ranges::all_of(ref, [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 127 &&
           std::string_view("~^:?*[\\").find(c) == std::string_view::npos;
  });
  return plain && ref.front() != '-' && ref.front() != '+' &&
         ref.find("..") == std::string_view::npos && ref.find("@{") == std::string_view::npos;
}

Result<void> ReadQuery(std::string_view query, const std::string& url, GitUrl* out) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const size_t equal = pair.find('=');
    const std::string_view key = pair.substr(0, equal);
    const std::string value(equal == std::string_view::npos ? "" : pair.substr(equal + 1));
    if (key == "subdir") {
      out->directory = value;
    } else if (key == "checksum" || key == "commit") {
      out->checksum = value;
    } else if (key == "ref" || key == "branch" || key == "tag") {
      if (!out->ref.empty()) return BadGitUrl(url, "it names two branches, tags or commits");
      if (value.empty()) return BadGitUrl(url, QuotedExcerpt(key) + " has no value");
      out->ref = (key == "branch" ? "refs/heads/" : key == "tag" ? "refs/tags/" : "") + value;
    } else {
      return BadGitUrl(url, QuotedExcerpt(key) + " in the query of a Git URL is not known");
    }
  }
  return {};
}

Result<void> CheckGitUrl(const std::string& text, GitUrl* url) {
  if (Printable(url->remote) != url->remote) return BadGitUrl(text, "it is no text");
  if (!url->ref.empty() && !IsRefName(url->ref)) {
    return BadGitUrl(text, QuotedExcerpt(url->ref) + " is no name of a branch, tag or commit");
  }
  std::vector<std::string> names;
  AddComponents(url->directory, &names);
  url->directory.clear();
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (*name == "..") return BadGitUrl(text, "its directory leaves the repository");
    url->directory += (url->directory.empty() ? "" : "/") + *name;
  }
  return {};
}

}  // namespace

Result<std::optional<GitUrl>> ParseGitUrl(const std::string& text) {
  const size_t hash = text.find('#');
  std::string_view base = std::string_view(text).substr(0, hash);
  std::string_view query;
  if (const size_t mark = base.find('?');
      mark != std::string_view::npos && base.find("://") != std::string_view::npos) {
    query = base.substr(mark + 1);
    base = base.substr(0, mark);
  }
  GitUrl url;
  url.may_be_path = base.starts_with("github.com/");
  url.remote = (url.may_be_path ? "https://" : "") + std::string(base);
  if (!IsRepository(url.remote)) return std::optional<GitUrl>();
  VENEER_TRY_VOID(ReadQuery(query, text, &url));
  if (hash != std::string::npos) {
    const std::string_view fragment = std::string_view(text).substr(hash + 1);
    const size_t colon = fragment.find(':');
    const std::string_view ref = fragment.substr(0, colon);
    const bool two = (!ref.empty() && !url.ref.empty()) ||
                     (colon != std::string_view::npos && !url.directory.empty());
    if (two) return BadGitUrl(text, "its query and its fragment say the same thing");
    if (!ref.empty()) url.ref = ref;
    if (colon != std::string_view::npos) url.directory = fragment.substr(colon + 1);
  }
  VENEER_TRY_VOID(CheckGitUrl(text, &url));
  return std::optional(std::move(url));
}

}  // namespace veneer
