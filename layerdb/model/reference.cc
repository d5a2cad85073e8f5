// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/reference.h"

#include <algorithm>

#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"

namespace veneer {

namespace {

constexpr std::string_view kLegacyDomain = "index.docker.io";
constexpr std::string_view kLibrary = "library/";
constexpr size_t kMaxRepository = 255;
constexpr size_t kMaxTag = 128;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLowerAlnum(char c) { return IsLower(c) || IsDigit(c); }
bool IsAlnum(char c) { return IsLowerAlnum(c) || IsUpper(c); }
bool IsHex64(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); });
}

// alpha-numeric [separator alpha-numeric]*, separator = "." | "_" | "__" | "-"*
bool IsPathComponent(std::string_view text) {
  if (text.empty() || !IsLowerAlnum(text.front()) || !IsLowerAlnum(text.back())) return false;
  for (size_t i = 0; i < text.size();) {
    if (IsLowerAlnum(text[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && !IsLowerAlnum(text[end])) ++end;
    const std::string_view separator = text.substr(i, end - i);
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
    i = end;
  }
  return true;
}

bool IsPath(std::string_view text) {
  for (;;) {
    const size_t slash = text.find('/');
    if (!IsPathComponent(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool IsDomainComponent(std::string_view text) {
  return !text.empty() && IsAlnum(text.front()) && IsAlnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return IsAlnum(c) || c == '-'; });
}

bool IsPort(std::string_view text) { return !text.empty() && std::ranges::all_of(text, IsDigit); }

// A host name, an IPv4 address or a bracketed IPv6 address, and a port.
bool IsDomain(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || end < 2) return false;
    const std::string_view address = text.substr(1, end - 1);
    const bool valid = std::ranges::all_of(address, [](char c) { return IsAlnum(c) || c == ':'; });
    const std::string_view rest = text.substr(end + 1);
    return valid && (rest.empty() || (rest.front() == ':' && IsPort(rest.substr(1))));
  }
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (!IsPort(text.substr(colon + 1))) return false;
    text = text.substr(0, colon);
  }
  for (;;) {
    const size_t dot = text.find('.');
    if (!IsDomainComponent(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

tl::unexpected<Error> BadReference(std::string_view text, const std::string& why) {
  return MakeError("'" + PrintablePath(text) + "' is not an image name: " + why, ExitCode::kUsage);
}

// Splits "host/rest" as Docker does: what stands before the first slash is a host only if it looks
// like one.
std::pair<std::string_view, std::string_view> SplitDomain(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {kDefaultDomain, name};
  const std::string_view head = name.substr(0, slash);
  const bool host = head.find_first_of(".:[") != std::string_view::npos || head == "localhost" ||
                    std::ranges::any_of(head, IsUpper);
  if (!host) return {kDefaultDomain, name};
  return {head == kLegacyDomain ? kDefaultDomain : head, name.substr(slash + 1)};
}

}  // namespace

bool IsTag(std::string_view text) {
  if (text.empty() || text.size() > kMaxTag) return false;
  if (!IsAlnum(text.front()) && text.front() != '_') return false;
  return std::ranges::all_of(text,
                             [](char c) { return IsAlnum(c) || c == '_' || c == '.' || c == '-'; });
}

std::string Reference::Repository() const {
  if (domain != kDefaultDomain) return domain + "/" + path;
  const bool official =
      path.starts_with(kLibrary) && path.find('/', kLibrary.size()) == std::string::npos;
  return official ? path.substr(kLibrary.size()) : path;
}

std::string Reference::ToString() const {
  std::string text = Repository();
  if (tag) text += ":" + *tag;
  if (digest) text += "@" + digest->ToString();
  return text;
}

std::string Reference::TagName() const {
  return Repository() + ":" + (tag ? *tag : std::string(kDefaultTag));
}

Result<Reference> ParseReference(std::string_view text) {
  Reference reference;
  std::string_view name = text;
  if (text.empty()) return BadReference(text, "it is empty");
  if (const size_t at = name.find('@'); at != std::string_view::npos) {
    reference.digest = Digest::Parse(name.substr(at + 1));
    if (!reference.digest)
      return BadReference(text, "after @ comes sha256: and 64 lower-case hex digits");
    name = name.substr(0, at);
  }
  const size_t slash = name.rfind('/');
  const size_t colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    const std::string_view tag = name.substr(colon + 1);
    if (!IsTag(tag)) {
      return BadReference(
          text,
          "a tag is 1 to 128 letters, digits, '_', '.' and '-', not starting with '.' or '-'");
    }
    reference.tag = std::string(tag);
    name = name.substr(0, colon);
  }
  if (IsHex64(name)) return BadReference(text, "64 hex digits are an image id, not a name");
  auto [domain, path] = SplitDomain(name);
  if (!IsDomain(domain))
    return BadReference(text, "'" + PrintablePath(domain) + "' is not a host name");
  if (!IsPath(path)) {
    return BadReference(
        text,
        "a name is lower-case letters and digits, joined by '.', '_', '__' or '-', in parts "
        "between slashes");
  }
  reference.domain = domain;
  reference.path = path;
  if (domain == kDefaultDomain && path.find('/') == std::string_view::npos) {
    reference.path.insert(0, kLibrary);
  }
  if (reference.domain.size() + 1 + reference.path.size() > kMaxRepository) {
    return BadReference(text, "it is longer than 255 characters");
  }
  return reference;
}

std::pair<std::string, std::string> SplitTagName(std::string_view tag_name) {
  const size_t slash = tag_name.rfind('/');
  const size_t colon = tag_name.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon == std::string_view::npos) return {std::string(tag_name), std::string()};
  return {std::string(tag_name.substr(0, colon)), std::string(tag_name.substr(colon + 1))};
}

}  // namespace veneer
