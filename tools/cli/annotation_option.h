// SPDX-License-Identifier: Apache-2.0
//
// `build --annotation [PLACE[,PLACE]…:]NAME=VALUE`: metadata beside an image, not in it.
#ifndef VENEER_TOOLS_CLI_ANNOTATION_OPTION_H_
#define VENEER_TOOLS_CLI_ANNOTATION_OPTION_H_

#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/oci/compose.h"
#include "tools/oci/platform.h"

namespace veneer {

// PLACE: manifest (where none is given) or manifest-descriptor, each with a platform in brackets
// where it is meant for one alone; those of another than `platform` are left out. index and
// index-descriptor are usage errors: an image for one platform has no index.
Result<Annotations> ReadAnnotations(const std::vector<std::string>& given,
                                    const Platform& platform);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_ANNOTATION_OPTION_H_
