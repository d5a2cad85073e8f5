// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/short_name.h"

#include "layerdb/model/reference.h"

namespace veneer {

namespace {

// `reference` is `text`, read.
bool WritesHost(std::string_view text, const Reference& reference) {
  return reference.domain != kDefaultDomain || text.starts_with("docker.io/") ||
         text.starts_with("index.docker.io/");
}

}  // namespace

std::optional<ShortName> ParseShortName(std::string_view text) {
  const Result<Reference> reference = ParseReference(text);
  if (!reference || WritesHost(text, *reference)) return std::nullopt;
  size_t end = text.find('@');
  if (const size_t colon = text.find(':'); colon < end) end = colon;
  if (end == std::string_view::npos) end = text.size();
  return ShortName{std::string(text.substr(0, end)), std::string(text.substr(end))};
}

bool IsRegistryHost(std::string_view text) {
  if (text.find('/') != std::string_view::npos) return false;
  const std::string name = std::string(text) + "/x";
  const Result<Reference> reference = ParseReference(name);
  return reference && WritesHost(name, *reference);
}

}  // namespace veneer
