// SPDX-License-Identifier: Apache-2.0
//
// Reading JSON that comes from strangers (image configs, manifests): bounded in size, depth and
// number of values, and strict: a document with a key twice, with bytes after its end or with text
// that is not UTF-8 is refused, because two readers could understand it differently
// (CVE-2021-41190, CVE-2023-25153).
#ifndef VENEER_TOOLS_FORMAT_JSON_H_
#define VENEER_TOOLS_FORMAT_JSON_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

// Keys keep their order, so that a document that is read, changed and written differs only where it
// was changed.
using Json = nlohmann::ordered_json;

struct JsonLimits {
  size_t bytes = size_t{4} << 20;  // what registries allow a manifest (distribution-spec: 4 MiB)
  size_t depth = 32;
  size_t values = 200'000;
};

// The document, whose top must be an object. The error says what is wrong and at which byte.
Result<Json> ParseJson(std::string_view text, const JsonLimits& limits = {});

// The same for a document whose top must be a list (the manifest.json of `docker save`).
Result<Json> ParseJsonList(std::string_view text, const JsonLimits& limits = {});

// A member of an object by type. nullopt: absent or null. The error names the member when its type
// is another.
Result<std::optional<std::string>> GetString(const Json& object, const char* key);
Result<std::optional<bool>> GetBool(const Json& object, const char* key);
Result<std::optional<std::vector<std::string>>> GetStrings(const Json& object, const char* key);
// A member that is an object or an array; nullptr: absent or null.
Result<const Json*> GetObject(const Json& object, const char* key);
Result<const Json*> GetArray(const Json& object, const char* key);
// A string; empty where it is absent or null: real tools write all three.
Result<std::string> GetStringOrEmpty(const Json& object, const char* key);

// The document as text, without spaces. Strings are UTF-8 already, because ParseJson let nothing
// else in; other bytes (a user's own text) become U+FFFD.
std::string DumpJson(const Json& document);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_JSON_H_
