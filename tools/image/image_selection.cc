// SPDX-License-Identifier: Apache-2.0
#include "tools/image/image_selection.h"

#include <algorithm>
#include <charconv>

#include "tools/image/go_duration.h"
#include "tools/image/time_format.h"

namespace veneer {

namespace {

constexpr int64_t kSecond = 1'000'000'000;

tl::unexpected<Error> Bad(const std::string& filter, const std::string& why) {
  return MakeError("--filter " + filter + ": " + why, ExitCode::kUsage);
}

// A point in time, or how long ago it was.
std::optional<Timestamp> ParseMoment(std::string_view text, const Timestamp& now) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (!text.empty() && error == std::errc() && end == text.data() + text.size()) {
    return Timestamp{seconds, 0};
  }
  if (const std::optional<int64_t> age = ParseGoDuration(text)) {
    int64_t nanoseconds = static_cast<int64_t>(now.nsec) - *age % kSecond;
    Timestamp then{now.sec - *age / kSecond, 0};
    if (nanoseconds < 0) {
      nanoseconds += kSecond;
      --then.sec;
    } else if (nanoseconds >= kSecond) {
      nanoseconds -= kSecond;
      ++then.sec;
    }
    then.nsec = static_cast<uint32_t>(nanoseconds);
    return then;
  }
  std::string full(text);
  if (full.size() == 10) full += "T00:00:00";
  if (full.size() == 16) full += ":00";
  if (full.size() == 19) full += "Z";
  if (const Result<Timestamp> time = ParseRfc3339(full)) return *time;
  return std::nullopt;
}

ImageSelection::Label ParseLabel(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {std::string(text), std::nullopt};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

bool Has(const Json* labels, const ImageSelection::Label& wanted) {
  if (labels == nullptr) return false;
  const auto label = labels->find(wanted.first);
  if (label == labels->end() || !label->is_string()) return false;
  return !wanted.second || label->get_ref<const std::string&>() == *wanted.second;
}

}  // namespace

bool ImageSelection::MatchesLabels(const Json& config) const {
  const Json* labels = nullptr;
  if (const auto runtime = config.find("config"); runtime != config.end() && runtime->is_object()) {
    if (const auto found = runtime->find("Labels"); found != runtime->end() && found->is_object()) {
      labels = &*found;
    }
  }
  return std::ranges::all_of(with, [&](const Label& label) { return Has(labels, label); }) &&
         std::ranges::none_of(without, [&](const Label& label) { return Has(labels, label); });
}

Result<ImageSelection> ParseImageSelection(const std::vector<std::string>& filters,
                                           const Timestamp& now) {
  ImageSelection selection;
  for (const std::string& filter : filters) {
    const std::string_view text = filter;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return Bad(filter, "a filter is NAME=VALUE");
    const std::string_view name = text.substr(0, equals);
    const std::string_view value = text.substr(equals + 1);
    if (value.empty()) return Bad(filter, "the value is missing");
    if (name == "until") {
      if (selection.until) return Bad(filter, "until may be given only once");
      selection.until = ParseMoment(value, now);
      if (!selection.until) {
        return Bad(filter, "neither a time (2024-01-31T12:00:00Z) nor an age (24h, 1h30m)");
      }
    } else if (name == "label") {
      selection.with.push_back(ParseLabel(value));
    } else if (name == "label!") {
      selection.without.push_back(ParseLabel(value));
    } else {
      return Bad(filter, "no such filter; there are until=, label= and label!=");
    }
  }
  return selection;
}

}  // namespace veneer
