// SPDX-License-Identifier: Apache-2.0
//
// Points in time as filters name them (docker images, docker image prune: until=). Pure.
#ifndef VENEER_TOOLS_FORMAT_MOMENT_H_
#define VENEER_TOOLS_FORMAT_MOMENT_H_

#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"

namespace veneer {

// RFC 3339, also without zone, seconds or time of day (UTC), seconds since 1970, or how long before
// `now` it is, as Go writes durations ("1h30m"). Usage error for anything else.
Result<Timestamp> ParseMoment(std::string_view text, const Timestamp& now);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_MOMENT_H_
