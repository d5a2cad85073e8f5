// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/blob_upload.h"

#include <algorithm>
#include <utility>

#include "layerdb/base/parse.h"
#include "tools/registry/registry_error.h"
#include "tools/registry/retry.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

// What is lost with a cut, and kept in memory three times.
constexpr size_t kChunk = size_t{2} << 20;
// A registry that takes as much each time is getting on.
constexpr size_t kGettingOn = size_t{64} << 10;

constexpr long kCreated = 201;
constexpr long kAccepted = 202;
constexpr long kNoContent = 204;
constexpr long kBadRequest = 400;
constexpr long kNotThere = 404;
constexpr long kNotAllowed = 405;
constexpr long kWrongRange = 416;
constexpr long kNotImplemented = 501;

const char* const kBytes = "Content-Type: application/octet-stream";

// The registry has something to say of the upload and not of the user.
bool SpeaksOfUpload(long status) {
  return status == kBadRequest || status == kNotThere || status == kNotAllowed ||
         status == kWrongRange || status == kNotImplemented;
}

}  // namespace

std::optional<uint64_t> BytesOfRange(std::string_view range) {
  constexpr std::string_view kUnit = "bytes=";
  if (range.starts_with(kUnit)) range.remove_prefix(kUnit.size());
  constexpr std::string_view kFromStart = "0-";
  if (!range.starts_with(kFromStart)) return std::nullopt;
  const auto last = ParseNumber<uint64_t>(range.substr(kFromStart.size()));
  if (!last || *last == UINT64_MAX) return std::nullopt;
  return *last + 1;
}

RegistryClient::Request BlobUpload::ToUpload(const char* method) const {
  RegistryClient::Request request;
  request.http.method = method;
  request.url = location_;
  request.scopes = client_.ScopeToPush();
  return request;
}

Result<void> BlobUpload::Follow(const RegistryClient::Request& request,
                                const HttpResponse& response) {
  VENEER_TRY(location_, client_.LocationOf(request, response));
  return {};
}

Result<HttpResponse> BlobUpload::Ask(const RegistryClient::Request& request) {
  Result<HttpResponse> response = client_.Send(request);
  answered_ = response.has_value();
  return response;
}

void BlobUpload::Delete() {
  // A server that is away is not waited for, and nobody may have something deleted elsewhere.
  if (!location_.empty() && answered_ && client_.IsAtHome(location_)) {
    IgnoreError(client_.Send(ToUpload("DELETE")), "the registry forgets it in time");
  }
  location_.clear();
}

Result<void> BlobUpload::Begin() {
  RegistryClient::Request request = ToUpload("POST");
  request.path = client_.RepositoryPath() + "/blobs/uploads/";
  VENEER_TRY(const HttpResponse response, client_.SendPatiently(request, client_.RepositoryName()));
  if (response.status != kAccepted) {
    return MakeError(client_.RepositoryName() + ": the server answers an upload with status " +
                     std::to_string(response.status));
  }
  // Larger chunks are not kept in memory: all goes in one request.
  const auto least = ParseNumber<uint64_t>(response.Header("oci-chunk-min-length").value_or("0"));
  if (least && *least > kChunk) client_.TakesNoChunks();
  done_ = 0;
  return Follow(request, response);
}

Result<bool> BlobUpload::Mount(const Digest& blob, const std::string& from) {
  RegistryClient::Request request = ToUpload("POST");
  Delete();
  request.url.clear();
  request.path = client_.RepositoryPath() +
                 "/blobs/uploads/?mount=" + EscapeForUrl(blob.ToString(), ":") +
                 "&from=" + EscapeForUrl(from, "/");
  request.scopes = client_.ScopeToPush() + " repository:" + from + ":pull";
  const Result<HttpResponse> response = Ask(request);
  // Who may not read there, or whose registry knows no mounting, sends the bytes.
  if (!response || !response->ok()) return false;
  if (response->status == kCreated) return true;
  if (response->status == kAccepted && Follow(request, *response)) {
    done_ = 0;
  }
  return false;
}

Result<std::optional<uint64_t>> BlobUpload::AskStatus() {
  const RegistryClient::Request request = ToUpload("GET");
  const Result<HttpResponse> response = client_.SendPatiently(request, client_.RepositoryName());
  std::optional<uint64_t> has;
  if (!response) {
    const int code = response.error().code();
    if (code == ENOENT || code == EPROTO) return has;
    return tl::unexpected(response.error());
  }
  if (response->status != kNoContent && response->status != kAccepted) return has;
  has = BytesOfRange(response->Header("range").value_or(""));
  // One byte, or none.
  if (has == uint64_t{1}) has.reset();
  if (has && response->Header("location")) VENEER_TRY_VOID(Follow(request, *response));
  return has;
}

Result<std::optional<BlobUpload::Lost>> BlobUpload::SendChunk(std::string_view chunk) {
  const uint64_t begin = done_;
  const uint64_t end = begin + chunk.size();
  int tried = 0;
  const auto lost = [&](Error why, bool refused = false) {
    return std::optional<Lost>(Lost{std::move(why), refused && begin > 0});
  };
  while (done_ < end) {
    const std::string_view rest = chunk.substr(done_ - begin);
    RegistryClient::Request request = ToUpload("PATCH");
    request.http.headers = {
        kBytes, "Content-Range: " + std::to_string(done_) + "-" + std::to_string(end - 1)};
    request.http.borrowed_body = rest;
    if (events_.sent) {
      request.http.sent = [this](uint64_t bytes) { events_.sent(done_ + bytes); };
    }
    const Result<HttpResponse> response = Ask(request);
    std::optional<uint64_t> has;
    if (response && response->ok()) {
      // It takes what it gets, whatever was said of its place. One that says nothing has all.
      const auto range = response->Header("range");
      has = range ? BytesOfRange(*range) : end;
      VENEER_TRY_VOID(Follow(request, *response));
    } else {
      Error why = response ? client_.Refusal(client_.RepositoryName(), *response).value()
                           : response.error();
      if (!response || !SpeaksOfUpload(response->status)) {
        VENEER_TRY_VOID(client_.WaitToRetry(++tried, why, response ? &*response : nullptr));
      }
      const bool refused = response && SpeaksOfUpload(response->status);
      VENEER_TRY(has, AskStatus());
      // What it will not take and still has would be sent for ever.
      if (!has || (has == done_ && refused)) return lost(std::move(why), refused);
    }
    if (!has || *has < done_ || *has > end) {
      return lost(Error(client_.RepositoryName() + ": the server has other bytes than were sent",
                        ExitCode::kFailed, ECONNRESET));
    }
    const bool good = *has == end || *has - done_ >= kGettingOn;
    if (good) tried = 0;
    if (!good && response && response->ok()) {
      VENEER_TRY_VOID(client_.WaitToRetry(
          ++tried,
          Error(client_.RepositoryName() + ": the server keeps hardly anything of what is sent",
                ExitCode::kFailed, ECONNRESET),
          nullptr));
    }
    done_ = *has;
  }
  return std::optional<Lost>();
}

Result<std::optional<BlobUpload::Lost>> BlobUpload::SendChunks(ChunkStream& chunks) {
  while (const std::optional<std::string> chunk = chunks.Next()) {
    VENEER_TRY(std::optional<Lost> lost, SendChunk(*chunk));
    if (lost) return lost;
    if (events_.sent) events_.sent(done_);
  }
  return std::optional<Lost>();
}

Result<std::optional<BlobUpload::Lost>> BlobUpload::SendWhole(ChunkStream& chunks) {
  std::string chunk;
  bool ended = false;
  RegistryClient::Request request = ToUpload("PATCH");
  request.http.headers = {kBytes};
  request.http.source = [&]() -> Result<std::string_view> {
    std::optional<std::string> next = chunks.Next();
    ended = !next;
    chunk = next ? *std::move(next) : std::string();
    done_ += chunk.size();
    return chunk;
  };
  if (events_.sent) request.http.sent = events_.sent;
  const Result<HttpResponse> response = Ask(request);
  if (response && response->ok()) {
    VENEER_TRY_VOID(Follow(request, *response));
    if (ended) return std::optional<Lost>();
    return std::optional<Lost>(
        Lost{Error(client_.RepositoryName() + ": the server answers before it has all bytes",
                   ExitCode::kFailed, ECONNRESET)});
  }
  Error why =
      response ? client_.Refusal(client_.RepositoryName(), *response).value() : response.error();
  // A token may have expired, which the next beginning mends.
  const bool expired = response && response->status == kUnauthorized;
  const bool of_upload = response && SpeaksOfUpload(response->status);
  if (!expired && !of_upload && !IsWorthRetrying(why)) return tl::unexpected(std::move(why));
  return std::optional<Lost>(Lost{std::move(why)});
}

Result<std::optional<BlobUpload::Lost>> BlobUpload::Finish(const StreamedBlob& blob) {
  const std::string what = client_.RepositoryName() + "@" + blob.digest.ToString();
  for (int tried = 1;; ++tried) {
    RegistryClient::Request request = ToUpload("PUT");
    request.url += (location_.find('?') == std::string::npos ? "?" : "&") +
                   ("digest=" + EscapeForUrl(blob.digest.ToString(), ":"));
    // Without bytes: with a wrong digest they would be lost, and the upload with them.
    request.http.headers = {kBytes};
    const Result<HttpResponse> response = Ask(request);
    if (response && response->status == kCreated) return std::optional<Lost>();
    Error why = response ? client_.Refusal(what, *response).value() : response.error();
    if (response && response->status == kBadRequest) return tl::unexpected(std::move(why));
    if (response && response->ok()) {
      return MakeError(what + ": the server answers the end of an upload with status " +
                       std::to_string(response->status));
    }
    if (!response || !SpeaksOfUpload(response->status)) {
      VENEER_TRY_VOID(client_.WaitToRetry(tried, why, response ? &*response : nullptr));
    }
    // The answer may have been lost, and nothing else.
    VENEER_TRY(const bool there, client_.HasBlob(blob.digest));
    if (there) return std::optional<Lost>();
    VENEER_TRY(const std::optional<uint64_t> has, AskStatus());
    if (has != blob.size || (response && SpeaksOfUpload(response->status))) {
      return std::optional<Lost>(Lost{std::move(why)});
    }
  }
}

Result<StreamedBlob> BlobUpload::Send(const WriteBlob& write) {
  int refused = 0;
  for (int tried = 1;; ++tried) {
    if (location_.empty()) VENEER_TRY_VOID(Begin());
    std::optional<Lost> lost;
    {
      ChunkStream chunks(write, kChunk);
      VENEER_TRY(lost, client_.takes_chunks() ? SendChunks(chunks) : SendWhole(chunks));
      if (!lost) {
        VENEER_TRY(const StreamedBlob blob, chunks.Finish());
        VENEER_TRY(lost, Finish(blob));
        if (!lost) {
          location_.clear();
          return blob;
        }
      }
    }
    if (lost->refused && ++refused > 1) client_.TakesNoChunks();
    // What the registry has forgotten can be sent again, whatever its reason was.
    VENEER_TRY_VOID(client_.WaitToRetry(
        tried, Error(lost->why.message(), ExitCode::kFailed, ECONNRESET), nullptr));
    Delete();
    if (events_.anew) events_.anew();
  }
}

}  // namespace veneer
