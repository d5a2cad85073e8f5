// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/annotation_option.h"

#include <algorithm>
#include <string_view>

namespace veneer {

namespace {

tl::unexpected<Error> WrongAnnotation(const std::string& text, const std::string& why) {
  return MakeError("--annotation " + text + ": " + why, ExitCode::kUsage);
}

// What stands in front of a colon names places and no annotation: names have dots.
bool NamesPlaces(std::string_view text) {
  return text.starts_with("manifest") || text.starts_with("index");
}

Result<void> AddTo(std::string_view place, const Platform& platform, const std::string& text,
                   const std::string& name, const std::string& value, Annotations* annotations) {
  const size_t bracket = place.find('[');
  if (bracket != std::string_view::npos) {
    if (!place.ends_with(']')) return WrongAnnotation(text, "] is missing");
    const std::string_view only = place.substr(bracket + 1, place.size() - bracket - 2);
    VENEER_TRY(const Platform wanted, ParsePlatform(std::string(only)));
    if (wanted.ToString() != platform.ToString()) return {};
    place = place.substr(0, bracket);
  }
  if (place == "manifest") {
    annotations->manifest[name] = value;
  } else if (place == "manifest-descriptor") {
    annotations->descriptor[name] = value;
  } else if (place == "index" || place == "index-descriptor") {
    return WrongAnnotation(text, "an image for one platform has no index");
  } else {
    return WrongAnnotation(text, "it takes manifest: or manifest-descriptor:");
  }
  return {};
}

}  // namespace

Result<Annotations> ReadAnnotations(const std::vector<std::string>& given,
                                    const Platform& platform) {
  Annotations annotations;
  for (const std::string& text : given) {
    std::string_view places = "manifest";
    std::string_view pair = text;
    const size_t colon = text.find(':');
    if (NamesPlaces(text) && colon < text.find('=')) {
      places = pair.substr(0, colon);
      pair.remove_prefix(colon + 1);
    }
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return WrongAnnotation(text, "it takes NAME=VALUE");
    }
    const std::string name(pair.substr(0, equals));
    const std::string value(pair.substr(equals + 1));
    while (!places.empty()) {
      const std::string_view place = places.substr(0, places.find(','));
      places.remove_prefix(std::min(place.size() + 1, places.size()));
      VENEER_TRY_VOID(AddTo(place, platform, text, name, value, &annotations));
    }
  }
  return annotations;
}

}  // namespace veneer
