// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/pack_writer.h"

#include <utility>

#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/objects/object_writer.h"

namespace veneer {
namespace {

// Contents are looked up so many at a time, in one transaction.
constexpr size_t kBatch = 1024;
constexpr size_t kBatchBytes = size_t{4} << 20;
constexpr size_t kWriteSize = size_t{256} << 10;
// Packs of other layers that are held open for comparing.
constexpr size_t kOpenPacks = 64;

}  // namespace

PackWriter::PackWriter(const ObjectStore& objects, std::string index, ObjectStaging& staging)
    : objects_(objects), index_path_(std::move(index)), staging_(staging) {}
PackWriter::~PackWriter() = default;

Result<uint32_t> PackWriter::Put(std::string_view bytes) {
  const auto number = static_cast<uint32_t>(locations_.size());
  locations_.emplace_back();
  waiting_.push_back({number, HashContent(bytes), waiting_bytes_.size(), bytes.size()});
  waiting_bytes_ += bytes;
  if (waiting_.size() >= kBatch || waiting_bytes_.size() >= kBatchBytes) {
    VENEER_TRY_VOID(LocateWaiting());
  }
  return number;
}

void PackWriter::OpenIndex() {
  if (index_ || index_failed_) return;
  Result<std::unique_ptr<PackIndex>> opened = PackIndex::Open(index_path_);
  index_failed_ = !opened.has_value();
  if (index_failed_) {
    LogWarning("small contents are kept twice: " + opened.error().message());
  } else {
    index_ = *std::move(opened);
  }
}

std::vector<std::optional<PackExtent>> PackWriter::FindWaiting() const {
  if (!index_) return std::vector<std::optional<PackExtent>>(waiting_.size());
  std::vector<Hash128> hashes;
  hashes.reserve(waiting_.size());
  for (const Waiting& waiting : waiting_) hashes.push_back(waiting.hash);
  Result<std::vector<std::optional<PackExtent>>> known = index_->Find(hashes);
  if (known) return *std::move(known);
  LogWarning("small contents are kept twice: " + known.error().message());
  return std::vector<std::optional<PackExtent>>(waiting_.size());
}

Result<void> PackWriter::LocateWaiting() {
  if (waiting_.empty()) return {};
  if (PackIndex::Exists(index_path_)) OpenIndex();
  const std::vector<std::optional<PackExtent>> known = FindWaiting();
  for (size_t i = 0; i < waiting_.size(); ++i) {
    const Waiting& waiting = waiting_[i];
    const std::string_view bytes =
        std::string_view(waiting_bytes_).substr(waiting.begin, waiting.size);
    Location& location = locations_[waiting.number];
    if (known[i] && Holds(*known[i], bytes)) {
      location = {known[i]->object, known[i]->offset};
      continue;
    }
    const auto [first, is_new] = first_.try_emplace(waiting.hash, waiting.number);
    if (!is_new && HoldsItself(locations_[first->second].offset, bytes)) {
      location = locations_[first->second];
      continue;
    }
    VENEER_TRY(location, Append(bytes));
  }
  waiting_.clear();
  waiting_bytes_.clear();
  return {};
}

bool PackWriter::Holds(const PackExtent& extent, std::string_view bytes) {
  auto pack = packs_.find(extent.object);
  if (pack == packs_.end()) {
    Sys<Fd> fd = objects_.OpenObject(extent.object);
    if (!fd) return false;  // it has gone
    staging_.Reuse(extent.object);
    if (packs_.size() >= kOpenPacks) packs_.clear();
    pack = packs_.emplace(extent.object, *std::move(fd)).first;
  }
  compared_.resize(bytes.size());
  const auto read = sys::ReadAt(pack->second.get(), compared_.data(), bytes.size(), extent.offset);
  return read && *read == bytes.size() && compared_ == bytes;
}

bool PackWriter::HoldsItself(uint64_t offset, std::string_view bytes) {
  if (!Flush()) return false;  // Append() meets the same error
  compared_.resize(bytes.size());
  const auto read = writer_->ReadAt(compared_.data(), bytes.size(), offset);
  return read && *read == bytes.size() && compared_ == bytes;
}

Result<PackWriter::Location> PackWriter::Append(std::string_view bytes) {
  if (!writer_) {
    VENEER_TRY(writer_, staging_.NewObject(0));
  }
  const uint64_t offset = writer_->size() + unwritten_.size();
  unwritten_ += bytes;
  if (unwritten_.size() >= kWriteSize) VENEER_TRY_VOID(Flush());
  return Location{std::nullopt, offset};
}

Result<void> PackWriter::Flush() {
  if (unwritten_.empty()) return {};
  VENEER_TRY_VOID(writer_->Write(unwritten_));
  unwritten_.clear();
  return {};
}

Result<void> PackWriter::Finish() {
  VENEER_TRY_VOID(LocateWaiting());
  if (!writer_) return {};
  VENEER_TRY_VOID(Flush());
  VENEER_TRY(pack_, writer_->Finish());
  writer_.reset();
  return {};
}

PackExtent PackWriter::Where(uint32_t number) const {
  const Location& location = locations_[number];
  return {location.object.value_or(pack_), location.offset};
}

void PackWriter::Remember() {
  std::vector<PackIndex::Entry> known;
  known.reserve(first_.size());
  for (const auto& [hash, number] : first_) known.push_back({hash, Where(number)});
  if (known.empty()) return;
  OpenIndex();
  if (!index_) return;
  const Result<void> added = index_->Add(known);
  if (!added) LogWarning("later layers will keep small contents twice: " + added.error().message());
}

}  // namespace veneer
