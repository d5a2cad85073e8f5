// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/pack_writer.h"

#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/store/content_hash.h"
#include "layerdb/store/object_store.h"
#include "layerdb/store/session.h"
#include "layerdb/store/store.h"

namespace veneer {
namespace {

// Contents are looked up so many at a time, in one transaction.
constexpr size_t kBatch = 1024;
constexpr size_t kBatchBytes = size_t{4} << 20;
constexpr size_t kWriteSize = size_t{256} << 10;
// Packs of other layers that are held open for comparing.
constexpr size_t kOpenPacks = 64;

}  // namespace

PackWriter::PackWriter(Store& store, WriteSession& session) : store_(store), session_(session) {}
PackWriter::~PackWriter() = default;

Result<uint32_t> PackWriter::Put(std::string_view bytes) {
  const auto number = static_cast<uint32_t>(places_.size());
  places_.emplace_back();
  waiting_.push_back({number, HashContent(bytes), waiting_bytes_.size(), bytes.size()});
  waiting_bytes_ += bytes;
  if (waiting_.size() >= kBatch || waiting_bytes_.size() >= kBatchBytes) {
    VENEER_TRY_VOID(PlaceWaiting());
  }
  return number;
}

void PackWriter::OpenTable() {
  if (table_ || table_failed_) return;
  Result<std::unique_ptr<SliceTable>> table = SliceTable::Open(store_.layout().slices());
  table_failed_ = !table.has_value();
  if (table_failed_) {
    LogWarning("small contents are kept twice: " + table.error().message());
  } else {
    table_ = *std::move(table);
  }
}

std::vector<std::optional<ObjectSlice>> PackWriter::Known() const {
  if (!table_) return std::vector<std::optional<ObjectSlice>>(waiting_.size());
  std::vector<Hash128> hashes;
  hashes.reserve(waiting_.size());
  for (const Waiting& waiting : waiting_) hashes.push_back(waiting.hash);
  Result<std::vector<std::optional<ObjectSlice>>> known = table_->Find(hashes);
  if (known) return *std::move(known);
  LogWarning("small contents are kept twice: " + known.error().message());
  return std::vector<std::optional<ObjectSlice>>(waiting_.size());
}

Result<void> PackWriter::PlaceWaiting() {
  if (waiting_.empty()) return {};
  if (SliceTable::Exists(store_.layout().slices())) OpenTable();
  const std::vector<std::optional<ObjectSlice>> known = Known();
  for (size_t i = 0; i < waiting_.size(); ++i) {
    const Waiting& waiting = waiting_[i];
    const std::string_view bytes =
        std::string_view(waiting_bytes_).substr(waiting.begin, waiting.size);
    Place& place = places_[waiting.number];
    if (known[i] && Holds(*known[i], bytes)) {
      place = {known[i]->object, known[i]->offset};
      continue;
    }
    const auto [first, is_new] = first_.try_emplace(waiting.hash, waiting.number);
    if (!is_new && HoldsItself(places_[first->second].offset, bytes)) {
      place = places_[first->second];
      continue;
    }
    VENEER_TRY(place, Append(bytes));
  }
  waiting_.clear();
  waiting_bytes_.clear();
  return {};
}

bool PackWriter::Holds(const ObjectSlice& slice, std::string_view bytes) {
  auto pack = packs_.find(slice.object);
  if (pack == packs_.end()) {
    Sys<Fd> fd = store_.objects().OpenObject(slice.object);
    if (!fd) return false;  // it has gone
    session_.Found(slice.object);
    if (packs_.size() >= kOpenPacks) packs_.clear();
    pack = packs_.emplace(slice.object, *std::move(fd)).first;
  }
  compared_.resize(bytes.size());
  const auto read = sys::ReadAt(pack->second.get(), compared_.data(), bytes.size(), slice.offset);
  return read && *read == bytes.size() && compared_ == bytes;
}

bool PackWriter::HoldsItself(uint64_t offset, std::string_view bytes) {
  if (!Flush()) return false;  // Append() meets the same error
  compared_.resize(bytes.size());
  const auto read = writer_->ReadAt(compared_.data(), bytes.size(), offset);
  return read && *read == bytes.size() && compared_ == bytes;
}

Result<PackWriter::Place> PackWriter::Append(std::string_view bytes) {
  if (!writer_) {
    VENEER_TRY(writer_, session_.NewObject());
  }
  const uint64_t offset = writer_->size() + unwritten_.size();
  unwritten_ += bytes;
  if (unwritten_.size() >= kWriteSize) VENEER_TRY_VOID(Flush());
  return Place{std::nullopt, offset};
}

Result<void> PackWriter::Flush() {
  if (unwritten_.empty()) return {};
  VENEER_TRY_VOID(writer_->Write(unwritten_));
  unwritten_.clear();
  return {};
}

Result<void> PackWriter::Finish() {
  VENEER_TRY_VOID(PlaceWaiting());
  if (!writer_) return {};
  VENEER_TRY_VOID(Flush());
  VENEER_TRY(pack_, writer_->Finish());
  writer_.reset();
  return {};
}

ObjectSlice PackWriter::Where(uint32_t number) const {
  const Place& place = places_[number];
  return {place.object.value_or(pack_), place.offset};
}

void PackWriter::Remember() {
  std::vector<SliceTable::Known> known;
  known.reserve(first_.size());
  for (const auto& [hash, number] : first_) known.push_back({hash, Where(number)});
  if (known.empty()) return;
  OpenTable();
  if (!table_) return;
  const Result<void> added = table_->Add(known);
  if (!added) LogWarning("later layers will keep small contents twice: " + added.error().message());
}

}  // namespace veneer
