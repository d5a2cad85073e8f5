// SPDX-License-Identifier: Apache-2.0
//
// BlobUpload: a blob goes into a repository (distribution-spec, "Pushing Blobs"), in chunks while
// its bytes are being made. A chunk is kept until the registry says that it has it. After a cut the
// registry is asked how much it has; where it has forgotten the upload, or has other bytes than
// were sent, the blob begins anew. A registry that refuses the second chunk of two uploads gets
// each blob in one request, as Docker sends it. An upload that is given up is deleted.
//
// Not thread-safe: several uploads at once are several objects.
#ifndef VENEER_TOOLS_REGISTRY_BLOB_UPLOAD_H_
#define VENEER_TOOLS_REGISTRY_BLOB_UPLOAD_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "tools/registry/chunk_stream.h"
#include "tools/registry/registry_client.h"

namespace veneer {

class BlobUpload {
 public:
  struct Events {
    std::function<void(uint64_t bytes)> sent;  // in all; may be empty
    std::function<void()> anew;                // may be empty
  };

  // `client` outlives it.
  BlobUpload(RegistryClient& client, Events events) : client_(client), events_(std::move(events)) {}
  ~BlobUpload() { Delete(); }
  BlobUpload(const BlobUpload&) = delete;
  BlobUpload& operator=(const BlobUpload&) = delete;

  // Takes a blob that another repository of the registry has. False: it does not give it; what was
  // begun with that serves Send().
  Result<bool> Mount(const Digest& blob, const std::string& from);
  // Sends what `write` gives, which must be the same bytes each time that it is called. Returns
  // when the registry has said that it has the blob. Errors: of `write`; kAccessDenied; what the
  // registry says.
  Result<StreamedBlob> Send(const WriteBlob& write);

 private:
  // A step that the upload did not survive.
  struct Lost {
    Error why;
    bool refused = false;  // a chunk that was not the first, by the registry
  };

  Result<void> Begin();
  // Ends the upload, if there is one, at the registry, which otherwise keeps its bytes for days.
  void Delete();
  Result<HttpResponse> Ask(const RegistryClient::Request& request);
  // nullopt: all bytes are there, and Finish() is next.
  Result<std::optional<Lost>> SendChunks(ChunkStream& chunks);
  Result<std::optional<Lost>> SendChunk(std::string_view chunk);
  Result<std::optional<Lost>> SendWhole(ChunkStream& chunks);
  Result<std::optional<Lost>> Finish(const StreamedBlob& blob);
  // Asks the registry how many bytes it has. nullopt: it has no such upload, or does not say.
  Result<std::optional<uint64_t>> AskStatus();
  RegistryClient::Request ToUpload(const char* method) const;
  // What comes next goes where the answer says.
  Result<void> Follow(const RegistryClient::Request& request, const HttpResponse& response);

  RegistryClient& client_;
  const Events events_;
  std::string location_;   // empty: not begun
  uint64_t done_ = 0;      // bytes that the registry has
  bool answered_ = false;  // the last request
};

// How many bytes an answer says are there, by its header "Range: 0-N". nullopt: it does not say.
// "0-0" is one byte, and also none. Pure.
std::optional<uint64_t> BytesOfRange(std::string_view range);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_BLOB_UPLOAD_H_
