// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/url.h"

#include <algorithm>
#include <memory>

#include "layerdb/base/printable.h"
#include "tools/registry/curl.h"
#include "tools/registry/host_address.h"

namespace veneer {

namespace {

struct Cleanup {
  const Curl* curl;
  void operator()(CURLU* url) const { curl->url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, Cleanup>;

std::string Part(const Curl& curl, const CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl.url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl.free(text);
  return copy;
}

Result<UrlHandle> Read(const std::string& url) {
  VENEER_TRY(const Curl* const curl, Curl::Load(PrintableUrl(url)));
  UrlHandle handle(curl->url(), Cleanup{curl});
  if (handle == nullptr ||
      curl->url_set(handle.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return MakeError(PrintableUrl(url) + ": not a URL");
  }
  return handle;
}

Result<std::string> SchemeOf(const Curl& curl, const CURLU* url) {
  std::string scheme = LowerCase(Part(curl, url, CURLUPART_SCHEME));
  if (scheme == "http" || scheme == "https") return scheme;
  return MakeError(PrintableUrl(Part(curl, url, CURLUPART_URL)) + ": not a URL of http or https");
}

}  // namespace

bool IsHttpUrl(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string WithoutPassword(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t host = scheme + 3;
  const size_t end = url.find_first_of("/?#", host);
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

std::string PrintableUrl(std::string_view url) {
  const std::string shown = WithoutPassword(url);
  return PrintablePath(shown.substr(0, shown.find_first_of("?#")));
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string EscapeForUrl(std::string_view text, std::string_view also) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos ||
                       also.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

Result<UrlParts> ParseUrl(const std::string& url) {
  VENEER_TRY(const UrlHandle handle, Read(url));
  const Curl& curl = *handle.get_deleter().curl;
  UrlParts parts;
  VENEER_TRY(parts.scheme, SchemeOf(curl, handle.get()));
  parts.host = LowerCase(Part(curl, handle.get(), CURLUPART_HOST));
  parts.loopback = IsLoopback(parts.host);
  const std::string port = Part(curl, handle.get(), CURLUPART_PORT);
  const std::string_view usual = parts.scheme == "https" ? "443" : "80";
  if (!port.empty() && port != usual) parts.host += ":" + port;
  return parts;
}

Result<std::string> ResolveUrl(const std::string& base, std::string_view location) {
  VENEER_TRY(const UrlHandle handle, Read(base));
  const Curl& curl = *handle.get_deleter().curl;
  VENEER_TRY(const std::string before, SchemeOf(curl, handle.get()));
  const std::string to(location);
  if (curl.url_set(handle.get(), CURLUPART_URL, to.c_str(), 0) != CURLUE_OK) {
    return MakeError(PrintableUrl(base) + ": leads to '" + PrintableUrl(to) + "', which is no URL");
  }
  const Result<std::string> after = SchemeOf(curl, handle.get());
  if (!after) return MakeError(PrintableUrl(base) + ": leads to " + after.error().message());
  std::string url = Part(curl, handle.get(), CURLUPART_URL);
  if (before == "https" && *after == "http") {
    return MakeError(PrintableUrl(base) + ": leads to " + PrintableUrl(url) +
                     ", which is not encrypted");
  }
  return url;
}

}  // namespace veneer
