// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registry_error.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "layerdb/base/base64.h"
#include "layerdb/base/printable.h"
#include "tools/format/json.h"

namespace veneer {

namespace {

constexpr size_t kMaxMessage = 300;
constexpr size_t kMaxProblems = 5;

// distribution-spec, "Error Codes".
constexpr std::array<std::string_view, 14> kKnownCodes = {
    "BLOB_UNKNOWN",     "BLOB_UPLOAD_INVALID",   "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID",
    "MANIFEST_INVALID", "MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN",    "NAME_INVALID",
    "NAME_UNKNOWN",     "SIZE_INVALID",          "UNAUTHORIZED",        "DENIED",
    "UNSUPPORTED",      "TOOMANYREQUESTS"};

bool IsKnown(const RegistryProblem& problem) {
  return std::ranges::find(kKnownCodes, problem.code) != kKnownCodes.end();
}

// RFC 9110, section 15, as far as registries and the proxies in front of them use it.
std::string_view StatusText(long status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "";
  }
}

// What a page says in its title: proxies answer with pages.
std::string_view TitleOf(std::string_view body) {
  constexpr std::string_view kBegin = "<title>";
  const size_t begin = body.find(kBegin);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = body.substr(begin + kBegin.size());
  const size_t end = rest.find('<');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

std::string Shown(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  if (text.size() > kMaxMessage) text.resize(kMaxMessage);
  return PrintablePath(text);
}

int ErrnoOfStatus(long status) {
  switch (status) {
    case 401:
    case 403: return EACCES;
    case 404: return ENOENT;
    case 429: return EAGAIN;
    default: return status >= 500 ? EAGAIN : EPROTO;
  }
}

}  // namespace

std::vector<RegistryProblem> ProblemsOf(std::string_view body) {
  std::vector<RegistryProblem> problems;
  const Result<Json> document = ParseJson(body);
  if (!document) return problems;
  const Result<const Json*> errors = GetArray(*document, "errors");
  if (!errors || *errors == nullptr) return problems;
  for (const Json& item : **errors) {
    if (!item.is_object() || problems.size() == kMaxProblems) continue;
    problems.push_back({GetString(item, "code").value_or(std::nullopt).value_or(""),
                        GetString(item, "message").value_or(std::nullopt).value_or("")});
  }
  std::stable_partition(problems.begin(), problems.end(),
                        [](const auto& problem) { return !IsKnown(problem); });
  return problems;
}

tl::unexpected<Error> RegistryError(std::string_view what, const HttpResponse& response) {
  std::string text;
  for (const RegistryProblem& problem : ProblemsOf(response.body)) {
    if (problem.code.empty() && problem.message.empty()) continue;
    if (!text.empty()) text += "; ";
    text += Shown(problem.message.empty() ? problem.code : problem.message);
    if (!problem.message.empty() && !problem.code.empty()) text += " (" + Shown(problem.code) + ")";
  }
  if (text.empty()) {
    text = "the server answers with status " + std::to_string(response.status);
    std::string meaning = Shown(std::string(TitleOf(response.body)));
    if (meaning.empty()) meaning = StatusText(response.status);
    if (!meaning.empty()) text += " (" + meaning + ")";
  }
  constexpr long kGone = 404;
  return tl::unexpected(Error(std::string(what) + ": " + text,
                              response.status == kGone ? ExitCode::kNotFound : ExitCode::kFailed,
                              ErrnoOfStatus(response.status)));
}

HttpResponse WithoutSecret(HttpResponse response, const std::optional<Credential>& credential) {
  if (!credential) return response;
  const std::string pair = credential->username + ":" + credential->password;
  for (const std::string& secret :
       {credential->password, Base64Encode(pair), credential->identity_token}) {
    if (secret.empty() || response.body.find(secret) == std::string::npos) continue;
    response.body.clear();
  }
  return response;
}

}  // namespace veneer
