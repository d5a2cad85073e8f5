// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/index_reader.h"

#include <sys/stat.h>

#include <set>

#include "layerdb/base/mutex.h"
#include "layerdb/index/index_file.h"

namespace veneer {
namespace {

// A read transaction with its cursor. The file never changes, so it is never renewed; one thread at
// a time.
struct ReadTxn {
  MdbTxn txn;
  MdbCursor cursor;  // closed first
};

// A key on the stack.
class KeyBuffer {
 public:
  KeyBuffer(uint64_t number, std::string_view rest) : size_(8 + rest.size()) {
    for (int i = 0; i < 8; ++i) bytes_[i] = static_cast<char>(number >> (56 - 8 * i));
    rest.copy(bytes_ + 8, rest.size());
  }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  char bytes_[8 + kMaxName];
  size_t size_;
};

}  // namespace

struct IndexReader::State {
  std::string path;
  IndexSummary summary;
  MdbEnv env;
  MDB_dbi dbi = 0;
  const char* base = nullptr;  // where the file's byte 0 is mapped
  uint64_t size = 0;           // bytes mapped and verified
  Record root;

  Mutex mu;
  std::vector<ReadTxn> idle GUARDED_BY(mu);

  Sys<ReadTxn> Begin();
  std::optional<Record> ToRecord(const MDB_val& value) const;
  // Calls `sink(key, value)` for the keys from `from` on until it returns false.
  template <class Sink>
  Sys<void> Scan(std::string_view from, Sink sink);
};

Sys<ReadTxn> IndexReader::State::Begin() {
  {
    const MutexLock lock(mu);
    if (!idle.empty()) {
      ReadTxn txn = std::move(idle.back());
      idle.pop_back();
      return txn;
    }
  }
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env.get(), nullptr, MDB_RDONLY, &txn); rc != 0) {
    return Fail(MdbErrno(rc));
  }
  ReadTxn out{MdbTxn(txn), nullptr};
  MDB_cursor* cursor = nullptr;
  if (const int rc = mdb_cursor_open(txn, dbi, &cursor); rc != 0) return Fail(MdbErrno(rc));
  out.cursor.reset(cursor);
  return out;
}

std::optional<IndexReader::Record> IndexReader::State::ToRecord(const MDB_val& value) const {
  const std::string_view bytes = FromVal(value);
  std::optional<EntryView> entry = EntryView::Parse(bytes);
  if (!entry) return std::nullopt;
  return Record{static_cast<uint64_t>(bytes.data() - base), *entry};
}

template <class Sink>
Sys<void> IndexReader::State::Scan(std::string_view from, Sink sink) {
  VENEER_TRY(ReadTxn txn, Begin());
  MDB_val key = ToVal(from);
  MDB_val value;
  Sys<void> result;
  int rc = mdb_cursor_get(txn.cursor.get(), &key, &value, MDB_SET_RANGE);
  while (rc == 0) {
    Sys<bool> more = sink(FromVal(key), value);
    if (!more) result = Fail(more.error());
    if (!more || !*more) break;
    rc = mdb_cursor_get(txn.cursor.get(), &key, &value, MDB_NEXT);
  }
  if (rc != 0 && rc != MDB_NOTFOUND) return Fail(MdbErrno(rc));
  const MutexLock lock(mu);
  idle.push_back(std::move(txn));
  return result;
}

IndexReader::IndexReader(std::unique_ptr<State> state) : state_(std::move(state)) {}

IndexReader::~IndexReader() {
  state_->idle.clear();  // before the environment
}

Result<std::shared_ptr<IndexReader>> IndexReader::Open(const std::string& path) {
  VENEER_TRY(const VerifiedIndex verified, VerifyIndexFile(path));
  auto state = std::make_unique<State>();
  state->path = path;
  state->summary = verified.seal.summary;
  state->size = verified.seal.data_size;
  VENEER_TRY(state->env, OpenMdbEnv(path, MDB_RDONLY | MDB_NOTLS, verified.seal.data_size));
  // LMDB opens by name: make sure that it is the file which was verified.
  int fd = -1;
  struct stat st;
  if (const int rc = mdb_env_get_fd(state->env.get(), &fd); rc != 0) return MdbError(rc, path);
  if (fstat(fd, &st) != 0) return MakeError(Errno{errno}, "index " + path);
  if (st.st_dev != verified.dev || st.st_ino != verified.ino) {
    return MakeError("index " + path + " was replaced while it was being opened; try again");
  }

  MDB_txn* raw = nullptr;
  if (const int rc = mdb_txn_begin(state->env.get(), nullptr, MDB_RDONLY, &raw); rc != 0) {
    return MdbError(rc, path);
  }
  ReadTxn txn{MdbTxn(raw), nullptr};
  if (const int rc = mdb_dbi_open(raw, nullptr, 0, &state->dbi); rc != 0) {
    return MdbError(rc, path);
  }
  MDB_cursor* cursor = nullptr;
  if (const int rc = mdb_cursor_open(raw, state->dbi, &cursor); rc != 0) return MdbError(rc, path);
  txn.cursor.reset(cursor);
  const std::string root_key = EntryKey(0, "");
  MDB_val key;
  MDB_val value;
  if (mdb_cursor_get(cursor, &key, &value, MDB_FIRST) != 0 || FromVal(key) != root_key) {
    return DamagedIndex(path, "it has no root");
  }
  // LMDB does not tell where its map begins. The root's record is the first value of the file, and
  // the check has found its offset.
  state->base = FromVal(value).data() - verified.first_value;
  const std::optional<Record> root = state->ToRecord(value);
  if (!root || root->entry.whiteout() || root->entry.type() != FileType::kDirectory ||
      root->entry.ino() != kIndexRootIno) {
    return DamagedIndex(path, "its root is no directory");
  }
  state->root = *root;
  {
    const MutexLock lock(state->mu);
    state->idle.push_back(std::move(txn));
  }
  return std::shared_ptr<IndexReader>(new IndexReader(std::move(state)));
}

const std::string& IndexReader::path() const { return state_->path; }
const IndexSummary& IndexReader::summary() const { return state_->summary; }
IndexReader::Record IndexReader::Root() const { return state_->root; }

Sys<std::optional<IndexReader::Record>> IndexReader::Find(uint64_t dir,
                                                          std::string_view name) const {
  if (!IsValidName(name)) return std::nullopt;
  const KeyBuffer wanted(dir, name);
  std::optional<Record> found;
  VENEER_TRY_VOID(
      state_->Scan(wanted.view(), [&](std::string_view key, const MDB_val& value) -> Sys<bool> {
        if (key != wanted.view()) return false;
        found = state_->ToRecord(value);
        if (!found) return Fail(EIO);
        return false;
      }));
  return found;
}

Sys<EntryView> IndexReader::At(uint64_t position) const {
  if (position >= state_->size) return Fail(EIO);
  const std::optional<EntryView> entry =
      EntryView::Parse(std::string_view(state_->base + position, state_->size - position));
  if (!entry) return Fail(EIO);
  return *entry;
}

Sys<void> IndexReader::List(
    uint64_t dir, FunctionRef<bool(std::string_view name, const Record& found)> sink) const {
  const KeyBuffer prefix(dir, {});
  return state_->Scan(prefix.view(), [&](std::string_view key, const MDB_val& value) -> Sys<bool> {
    if (key.substr(0, 8) != prefix.view()) return false;
    const std::string_view name = key.substr(8);
    const std::optional<Record> found = state_->ToRecord(value);
    if (!found || !IsValidName(name)) return Fail(EIO);
    return sink(name, *found);
  });
}

Sys<void> IndexReader::ForEach(
    FunctionRef<bool(uint64_t dir, std::string_view name, const Record& found)> sink) const {
  return state_->Scan(EntryKey(0, ""),
                      [&](std::string_view key, const MDB_val& value) -> Sys<bool> {
                        if (key.size() < 8) return Fail(EIO);
                        const uint64_t dir = LoadKeyNumber(key, 0);
                        if ((dir & kNameKeyBit) != 0) return false;
                        const std::string_view name = key.substr(8);
                        const std::optional<Record> found = state_->ToRecord(value);
                        if (!found || IsValidName(name) != (dir != 0)) return Fail(EIO);
                        return sink(dir, name, *found);
                      });
}

uint64_t IndexReader::CountBytes() const {
  const IndexSummary& sums = summary();
  uint64_t targets = sums.target_bytes;
  // An index by an old program does not tell, and may hold symlinks.
  if (targets == 0 && sums.entries > sums.files + sums.directories) {
    std::set<uint64_t> linked;
    IgnoreError(ForEach([&](uint64_t, std::string_view, const Record& found) {
                  const EntryView& entry = found.entry;
                  if (entry.whiteout() || entry.type() != FileType::kSymlink) return true;
                  if (entry.nlink() < 2 || linked.insert(entry.ino()).second) {
                    targets += entry.size();
                  }
                  return true;
                }),
                "a size of a damaged index matters to nobody; what reads its entries reports it");
  }
  return sums.bytes + targets;
}

Sys<std::vector<IndexReader::NameOf>> IndexReader::NamesOf(uint64_t ino) const {
  std::vector<NameOf> names;
  if (ino >= kIndexMaxIno) return names;
  const KeyBuffer prefix(kNameKeyBit | ino, {});
  VENEER_TRY_VOID(
      state_->Scan(prefix.view(), [&](std::string_view key, const MDB_val&) -> Sys<bool> {
        if (key.substr(0, 8) != prefix.view()) return false;
        if (key.size() < 16 || !IsValidName(key.substr(16))) return Fail(EIO);
        names.push_back({LoadKeyNumber(key, 8), key.substr(16)});
        return true;
      }));
  return names;
}

Sys<std::string> IndexReader::PathOfDirectory(uint64_t ino) const {
  std::string path;
  // A chain of parents that is longer than there are directories goes in a circle.
  for (uint64_t steps = 0; ino != kIndexRootIno; ++steps) {
    if (steps > state_->summary.directories) return Fail(EIO);
    VENEER_TRY(const std::vector<NameOf> names, NamesOf(ino));
    if (names.empty()) return Fail(ENOENT);
    path.insert(0, steps == 0 ? std::string(names[0].name) : std::string(names[0].name) + "/");
    ino = names[0].dir;
  }
  return path;
}

}  // namespace veneer
