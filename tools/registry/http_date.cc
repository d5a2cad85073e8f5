// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/http_date.h"

#include <time.h>

#include <string>

namespace veneer {

std::optional<int64_t> ParseHttpDate(std::string_view text) {
  const std::string date_text(text);
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    struct tm date {};
    const char* const end = ::strptime(date_text.c_str(), form, &date);
    if (end != nullptr && *end == '\0') return ::timegm(&date);
  }
  return std::nullopt;
}

}  // namespace veneer
