// SPDX-License-Identifier: Apache-2.0
#include "tools/build/remote_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>

#include "layerdb/base/hash.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/entry.h"
#include "tools/registry/http_date.h"
#include "tools/registry/http_download.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

constexpr mode_t kRemoteFileMode = 0600;
constexpr const char* kNoName = "download";

// %XX as bytes; nullopt: a percent sign without two digits.
std::optional<std::string> UnescapePercents(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = 0;
    if (text[i] != '%') {
      out += text[i];
    } else if (i + 2 < text.size() && ParseNumber(text.substr(i + 1, 2), &byte, 16)) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

// The last component of a path, if a file can have that name.
std::optional<std::string> NameIn(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.empty() || name == "." || name == ".." || name.size() > kMaxName ||
      name.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(name);
}

std::string_view TrimBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Takes the value of a parameter off `text`, with the semicolon behind it: a token, or a quoted
// string (RFC 9110, section 5.6.6).
std::string TakeValue(std::string_view* text) {
  std::string value;
  if (text->starts_with('"')) {
    size_t i = 1;
    for (; i < text->size() && (*text)[i] != '"'; ++i) {
      if ((*text)[i] == '\\' && i + 1 < text->size()) ++i;
      value += (*text)[i];
    }
    text->remove_prefix(std::min(i + 1, text->size()));
    const size_t end = text->find(';');
    text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
    return value;
  }
  const size_t end = text->find(';');
  value = TrimBlanks(text->substr(0, end));
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return value;
}

// "filename" of Content-Disposition; "filename*" goes before it (RFC 6266, section 4.3).
std::optional<std::string> DispositionName(std::string_view disposition) {
  std::map<std::string, std::string> parameters;
  const size_t type = disposition.find(';');
  if (type == std::string_view::npos) return std::nullopt;
  for (std::string_view rest = disposition.substr(type + 1); !rest.empty();) {
    const size_t equal = rest.find('=');
    if (equal == std::string_view::npos) break;
    const std::string key = LowerCase(TrimBlanks(rest.substr(0, equal)));
    rest = rest.substr(equal + 1);
    while (rest.starts_with(' ') || rest.starts_with('\t')) rest.remove_prefix(1);
    parameters[key] = TakeValue(&rest);
  }
  // CHARSET'LANGUAGE'VALUE (RFC 8187).
  const std::string& extended = parameters["filename*"];
  const size_t second = extended.find('\'', extended.find('\'') + 1);
  if (LowerCase(extended).starts_with("utf-8'") && second != std::string::npos) {
    const auto name = UnescapePercents(std::string_view(extended).substr(second + 1));
    if (name && NameIn(*name)) return NameIn(*name);
  }
  return NameIn(parameters["filename"]);
}

std::string_view PathOfUrl(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
  return path == std::string_view::npos ? std::string_view() : url.substr(path);
}

Result<void> FinishFile(const TemporaryDir& directory, int fd, const std::string& name,
                        const HttpResponse& answer) {
  const auto modified = answer.Header("last-modified");
  const int64_t time = modified ? ParseHttpDate(*modified).value_or(0) : 0;
  const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(time), 0}};
  VENEER_TRY_CTX_VOID(sys::Chmod({fd}, kRemoteFileMode), "change the mode of a download");
  VENEER_TRY_CTX_VOID(sys::SetTimes({fd}, times), "change the time of a download");
  VENEER_TRY_CTX_VOID(sys::Rename(sys::Path(directory.path() + "/" + kNoName),
                                  sys::Path(directory.path() + "/" + name), 0),
                      "rename a download to " + QuotedPath(name));
  return {};
}

}  // namespace

std::optional<std::string> RemoteFileName(std::string_view url,
                                          std::optional<std::string_view> disposition) {
  const auto path = UnescapePercents(PathOfUrl(url));
  if (path && NameIn(*path)) return NameIn(*path);
  return disposition ? DispositionName(*disposition) : std::nullopt;
}

Result<RemoteFile> FetchRemoteFile(const RemoteFileRequest& request) {
  const std::string shown = PrintableUrl(request.url);
  std::optional<Digest> expected;
  if (request.checksum) {
    expected = Digest::Parse(*request.checksum);
    if (!expected) {
      return MakeError("the checksum " + QuotedExcerpt(*request.checksum) +
                           " is not \"sha256:\" and 64 hexadecimal digits",
                       ExitCode::kUsage);
    }
  }
  VENEER_TRY(TemporaryDir directory, TemporaryDir::Make(request.directory));
  const std::string path = directory.path() + "/" + kNoName;
  VENEER_TRY_CTX(const Fd file,
                 sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, kRemoteFileMode), path);
  Sha256Stream hash;
  uint64_t size = 0;
  VENEER_TRY(const HttpResponse answer,
             HttpDownload(request.url, request.cancel, [&](std::string_view bytes) -> Result<void> {
               hash.Update(bytes);
               VENEER_TRY_CTX_VOID(sys::WriteAt(file.get(), bytes, size), "write " + path);
               size += bytes.size();
               return {};
             }));
  const Digest digest = *Digest::FromHex(hash.FinishHex());
  if (expected && digest != *expected) {
    return MakeError(shown + ": its checksum is " + digest.ToString() + " and not " +
                     expected->ToString());
  }
  const std::optional<std::string> name =
      RemoteFileName(request.url, answer.Header("content-disposition"));
  if (!name && request.needs_name) {
    return MakeError("cannot determine filename for URL " + shown +
                         ": write the name of the file into the destination",
                     ExitCode::kUsage);
  }
  RemoteFile fetched{std::move(directory), name.value_or(kNoName), digest, size};
  VENEER_TRY_VOID(FinishFile(fetched.directory, file.get(), fetched.name, answer));
  return fetched;
}

}  // namespace veneer
