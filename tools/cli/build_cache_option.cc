// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/build_cache_option.h"

#include <utility>

#include "tools/cli/build_output_option.h"
#include "tools/cli/csv_fields.h"
#include "tools/registry/push_plan.h"

namespace veneer {

namespace {

// Fields of destinations that change nothing: documents are OCI's, a cache is a manifest, and a
// layer that is asked for in a compression has it.
constexpr const char* kNoMeaning[] = {"image-manifest", "oci-mediatypes", "force-compression"};

// The fields of a value; of a name alone those that it stands for.
Result<CsvFields> ReadFields(std::string_view option, const std::string& text) {
  if (text.find('=') == std::string::npos) {
    return CsvFields{{"type", "registry"}, {"ref", text}};
  }
  return ReadCsvFields(option, text);
}

// The name of an image or a cache.
Result<std::string> TakeName(std::string_view option, const std::string& text, CsvFields* fields) {
  std::string name = TakeField(fields, "ref");
  if (name.empty()) return WrongOption(option, text + ": ref= is missing");
  const Result<Reference> reference = ParseReference(name);
  if (!reference) return WrongOption(option, reference.error().message());
  return name;
}

Result<void> CheckNothingLeft(std::string_view option, const std::string& text,
                              const CsvFields& fields) {
  if (fields.empty()) return {};
  return WrongOption(option, text + ": no such field: " + fields.begin()->first);
}

Result<bool> TakeBool(std::string_view option, const std::string& text, CsvFields* fields,
                      const char* name) {
  const std::string value = TakeField(fields, name);
  if (value.empty() || value == "false") return false;
  if (value == "true") return true;
  return WrongOption(option, text + ": " + name + "= takes true or false");
}

// nullopt: layers go as they came from a registry, and others as a push sends them.
Result<std::optional<Compression>> TakeLayerCompression(std::string_view option,
                                                        const std::string& text,
                                                        CsvFields* fields) {
  if (!fields->contains("compression") && !fields->contains("compression-level")) {
    return std::optional<Compression>();
  }
  VENEER_TRY(Compression compression, TakeCompression(option, text, fields, kPushCompression));
  if (compression.kind == CompressionKind::kNone) {
    return WrongOption(option, text + ": layers travel compressed, with gzip or zstd");
  }
  if (compression.kind == CompressionKind::kGzip && compression.level == 0) {
    compression = kPushCompression;
  }
  return std::optional<Compression>(compression);
}

Result<CacheDestination> ReadRegistry(std::string_view option, const std::string& text,
                                      CsvFields* fields) {
  VENEER_TRY(const std::string name, TakeName(option, text, fields));
  VENEER_TRY(Reference reference, ParseReference(name));
  if (reference.digest) {
    return WrongOption(option, text + ": a digest is computed; give a tag");
  }
  CacheDestination destination{std::move(reference), false, {}, false};
  const std::string mode = TakeField(fields, "mode");
  if (!mode.empty() && mode != "min" && mode != "max") {
    return WrongOption(option, text + ": mode= takes min or max");
  }
  destination.all = mode == "max";
  VENEER_TRY(destination.compression, TakeLayerCompression(option, text, fields));
  VENEER_TRY(destination.ignore_error, TakeBool(option, text, fields, "ignore-error"));
  for (const char* each : kNoMeaning) TakeField(fields, each);
  return destination;
}

}  // namespace

Result<std::vector<std::string>> ReadCacheSources(const std::vector<std::string>& given) {
  constexpr std::string_view kOption = "--cache-from";
  std::vector<std::string> sources;
  for (const std::string& text : given) {
    VENEER_TRY(CsvFields fields, ReadFields(kOption, text));
    const std::string type = TakeField(&fields, "type");
    if (type != "registry") {
      return WrongOption(kOption, text + ": the type is registry, and no other");
    }
    VENEER_TRY(std::string name, TakeName(kOption, text, &fields));
    VENEER_TRY_VOID(CheckNothingLeft(kOption, text, fields));
    sources.push_back(std::move(name));
  }
  return sources;
}

Result<CacheDestinations> ReadCacheDestinations(const std::vector<std::string>& given) {
  constexpr std::string_view kOption = "--cache-to";
  CacheDestinations destinations;
  for (const std::string& text : given) {
    VENEER_TRY(CsvFields fields, ReadFields(kOption, text));
    const std::string type = TakeField(&fields, "type");
    if (type == "inline") {
      TakeField(&fields, "mode");
      destinations.in_image = true;
    } else if (type == "registry") {
      VENEER_TRY(CacheDestination destination, ReadRegistry(kOption, text, &fields));
      destinations.registries.push_back(std::move(destination));
    } else {
      return WrongOption(kOption, text + ": the type is registry or inline");
    }
    VENEER_TRY_VOID(CheckNothingLeft(kOption, text, fields));
  }
  return destinations;
}

}  // namespace veneer
