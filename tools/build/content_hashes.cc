// SPDX-License-Identifier: Apache-2.0
#include "tools/build/content_hashes.h"

#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/walk.h"

namespace veneer {

namespace {

constexpr size_t kHashDigits = 64;
// Behind the hash: whether the file has extended attributes.
constexpr char kHasXattrs = '+';
constexpr char kNoXattrs = '-';
// So many are written in one commit, at most.
constexpr size_t kBatch = 100'000;

template <class Number>
void AppendNumber(std::string* bytes, Number number) {
  bytes->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

std::string KeyOf(const FileState& file) {
  std::string key;
  AppendNumber(&key, file.device);
  AppendNumber(&key, file.attr.ino);
  return key;
}

// What must be the same for the contents to be.
std::string StateOf(const FileState& file) {
  std::string state;
  AppendNumber(&state, file.attr.size);
  for (const Timestamp& time : {file.attr.mtime, file.attr.ctime}) {
    AppendNumber(&state, time.sec);
    AppendNumber(&state, time.nsec);
  }
  return state;
}

// Changed so long before it was read that another change would have another time.
bool IsSettled(const FileState& file, const Timestamp& read) {
  return file.attr.ctime.sec + 1 < read.sec && file.attr.mtime.sec + 1 < read.sec;
}

}  // namespace

KvDatabase* ContentHashes::Open(Missing missing) {
  if (database_ || failed_) return database_.get();
  if (missing == Missing::kLeave && !Exists(directory_)) return nullptr;
  Result<std::unique_ptr<KvDatabase>> opened = KvDatabase::Open(directory_);
  if (!opened && opened.error().code() == EUCLEAN) {
    IgnoreError(RemoveTree(directory_), "it is made anew, or is done without");
    opened = KvDatabase::Open(directory_);
  }
  if (opened) {
    database_ = *std::move(opened);
  } else {
    failed_ = true;
    LogDebug("hashes of files are not remembered: " + opened.error().message());
  }
  return database_.get();
}

std::vector<std::optional<KnownContent>> ContentHashes::Find(std::span<const FileState> files) {
  std::vector<std::optional<KnownContent>> found(files.size());
  const MutexLock lock(mutex_);
  KvDatabase* const database = Open(Missing::kLeave);
  if (database == nullptr) return found;
  const Result<void> read = database->Read([&](const KvTxn& txn) -> Result<void> {
    for (size_t i = 0; i < files.size(); ++i) {
      VENEER_TRY(const auto value, txn.Get(KeyOf(files[i])));
      const std::string state = StateOf(files[i]);
      if (value && value->size() == state.size() + kHashDigits + 1 && value->starts_with(state)) {
        found[i] = KnownContent{std::string(value->substr(state.size(), kHashDigits)),
                                value->back() != kNoXattrs};
      }
    }
    return {};
  });
  if (!read) found.assign(files.size(), std::nullopt);
  return found;
}

void ContentHashes::Learn(std::span<const std::pair<FileState, KnownContent>> files,
                          const Timestamp& read) {
  const MutexLock lock(mutex_);
  KvDatabase* const database = files.empty() ? nullptr : Open(Missing::kCreate);
  if (database == nullptr) return;
  for (size_t begin = 0; begin < files.size(); begin += kBatch) {
    const auto batch = files.subspan(begin, std::min(kBatch, files.size() - begin));
    const Result<void> written = database->Write([&](KvTxn& txn) -> Result<void> {
      for (const auto& [file, content] : batch) {
        if (!IsSettled(file, read)) continue;
        const char mark = content.has_xattrs ? kHasXattrs : kNoXattrs;
        VENEER_TRY_VOID(txn.Put(KeyOf(file), StateOf(file) + content.hash + mark));
      }
      return {};
    });
    if (!written) {
      LogDebug("hashes of files are not remembered: " + written.error().message());
      return;
    }
  }
}

}  // namespace veneer
