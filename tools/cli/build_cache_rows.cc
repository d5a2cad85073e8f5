// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/build_cache_rows.h"

#include "layerdb/base/printable.h"
#include "tools/format/list_filter.h"
#include "tools/format/moment.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

constexpr std::string_view kStepType = "regular";
constexpr std::string_view kDirectoryType = "exec.cachemount";

// The instruction of a step; empty: its config does not tell.
std::string InstructionOf(const Store& store, const CacheEntry& entry) {
  const auto text = store.ReadBlob(*Digest::FromHex(entry.id), JsonLimits{}.bytes);
  const Result<Json> config = text ? ParseJson(*text) : Result<Json>(Json());
  if (!config || !config->is_object() || !config->contains("history")) return {};
  const Json& history = (*config)["history"];
  if (!history.is_array() || history.empty() || !history.back().is_object()) return {};
  const auto line = history.back().find("created_by");
  return line != history.back().end() && line->is_string() ? line->get<std::string>()
                                                           : std::string();
}

}  // namespace

ListShape BuildCacheShape() {
  ListShape shape;
  shape.fields = {{"ID", "ID"},
                  {"Type", "TYPE"},
                  {"Parents", "PARENTS"},
                  {"Description", "DESCRIPTION"},
                  {"CreatedAt", "CREATED AT"},
                  {"CreatedSince", "CREATED"},
                  {"LastUsedAt", "LAST ACCESSED AT"},
                  {"LastUsedSince", "LAST ACCESSED"},
                  {"Mutable", "MUTABLE"},
                  {"InUse", "IN USE"},
                  {"Reclaimable", "RECLAIMABLE"},
                  {"Shared", "SHARED"},
                  {"Size", "SIZE"}};
  shape.table = "{{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedSince}}";
  shape.quiet = "{{.ID}}";
  return shape;
}

std::vector<Json> BuildCacheRows(const Store& store, const std::vector<CacheEntry>& entries,
                                 const BuildCacheShow& show) {
  const auto flag = [](bool on) { return on ? "true" : "false"; };
  const Timestamp now = Now();
  std::vector<Json> rows;
  for (const CacheEntry& entry : entries) {
    const bool step = entry.kind == CacheEntry::Kind::kStep;
    std::string description;
    if (show.descriptions) {
      description = step ? InstructionOf(store, entry) : "cached mount with id " + entry.label;
    }
    // The marks are Docker's: of what changes, and of bytes that others have too.
    rows.push_back({{"ID", show.whole_ids ? entry.id : entry.short_id() + (step ? "" : "*")},
                    {"Type", step ? kStepType : kDirectoryType},
                    {"Parents", entry.parent ? entry.parent->hex() : std::string()},
                    {"Description", description},
                    {"CreatedAt", FormatGoTime(entry.created)},
                    {"CreatedSince", HumanAge(entry.created, now)},
                    {"LastUsedAt", FormatGoTime(entry.used)},
                    {"LastUsedSince", HumanAge(entry.used, now)},
                    {"Mutable", flag(!step)},
                    {"InUse", flag(entry.in_use)},
                    {"Reclaimable", flag(!entry.in_use)},
                    {"Shared", flag(entry.shared)},
                    {"Size", ShowSize(entry.bytes, show.bytes, kSizeDigits) +
                                 (entry.shared && !show.whole_ids ? "*" : "")}});
  }
  return rows;
}

Value BuildCacheFilterValue() { return FiltersValue("FILTER", {"until=", "id=", "type="}); }

Result<CacheChoice> ParseBuildCacheFilters(const std::vector<std::string>& words) {
  VENEER_TRY(const ListFilters filters, ParseFilters(words, {"until", "id", "type"}));
  CacheChoice choice;
  const Timestamp now = Now();
  for (const std::string& text : FilterValues(filters, "until")) {
    VENEER_TRY(const Timestamp time, ParseMoment(text, now));
    if (!choice.until || time < *choice.until) choice.until = time;
  }
  for (const std::string& type : FilterValues(filters, "type")) {
    if (type != kStepType && type != kDirectoryType) {
      return MakeError("type=" + type + ": it is regular or exec.cachemount", ExitCode::kUsage);
    }
    choice.kind = type == kStepType ? CacheEntry::Kind::kStep : CacheEntry::Kind::kDirectory;
  }
  for (std::string id : FilterValues(filters, "id")) {
    if (id.starts_with("sha256:")) id.erase(0, 7);
    if (id.ends_with('*')) id.pop_back();  // the mark of the lists
    if (id.empty()) return MakeError("id= needs an id", ExitCode::kUsage);
    choice.ids.push_back(std::move(id));
  }
  return choice;
}

}  // namespace veneer
