// SPDX-License-Identifier: Apache-2.0
//
// ArchiveHasher: the SHA-256 of an archive, in a thread of its own, while the archive is written or
// read. How many bytes wait for it is bounded by how many pieces do.
//
// Thread-safety: Update(), Save() and Restore() are for one thread.
#ifndef VENEER_LAYERDB_TRANSFER_ARCHIVE_HASHER_H_
#define VENEER_LAYERDB_TRANSFER_ARCHIVE_HASHER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/base/hash.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/bounded_queue.h"
#include "layerdb/threads/shared_bytes.h"
#include "layerdb/threads/worker.h"

namespace veneer {

class ArchiveHasher {
 public:
  // `pieces`: so many wait at most. Throws std::system_error when there is no thread to be had.
  explicit ArchiveHasher(size_t pieces);
  ~ArchiveHasher();
  ArchiveHasher(const ArchiveHasher&) = delete;
  ArchiveHasher& operator=(const ArchiveHasher&) = delete;

  // The next bytes of the archive. Small ones are best given as text, which is collected. False:
  // the thread has stopped, and Finish() says why.
  bool Update(SharedBytes piece);
  bool Update(std::string_view text);
  // Restore() takes back all bytes since the last Save(). Save() forgets what another saved.
  bool Save();
  bool Restore();

  // Waits until all is hashed. Call once.
  Result<Digest> Finish();

 private:
  enum class Step { kUpdate, kSave, kRestore };
  struct Job {
    Step step = Step::kUpdate;
    SharedBytes piece;
  };

  bool FlushText();
  Result<void> Run();

  BoundedQueue<Job> queue_;
  Sha256Stream sha_;
  std::optional<Sha256Stream> saved_;
  std::string text_;
  Worker worker_;  // last: it uses the others
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_ARCHIVE_HASHER_H_
