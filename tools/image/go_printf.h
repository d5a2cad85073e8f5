// SPDX-License-Identifier: Apache-2.0
//
// Go's printf over JSON values, as far as templates need it: %v %s %q %d %x %X %t %c %f %e %g %%,
// with the flags - + 0 and space, a width and a precision. Pure.
#ifndef VENEER_TOOLS_IMAGE_GO_PRINTF_H_
#define VENEER_TOOLS_IMAGE_GO_PRINTF_H_

#include <span>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"
#include "tools/image/json.h"

namespace veneer {

// A verb that does not fit its value is shown as Go shows it, "%!d(string=x)", and so are missing
// and extra values. Usage error for a verb that is none, and for a width beyond reason.
Result<std::string> GoPrintf(std::string_view format, std::span<const Json> values);

}  // namespace veneer

#endif  // VENEER_TOOLS_IMAGE_GO_PRINTF_H_
