// SPDX-License-Identifier: Apache-2.0
//
// `build --output`, as buildx has it.
#ifndef VENEER_TOOLS_CLI_BUILD_OUTPUT_OPTION_H_
#define VENEER_TOOLS_CLI_BUILD_OUTPUT_OPTION_H_

#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/tar/compressor.h"
#include "tools/build/build_output.h"
#include "tools/cli/csv_fields.h"

namespace veneer {

// The outputs of a build: those that are given and, where there is none or `load` asks for it, the
// store. Usage errors: a type that does not exist or is none here (image, registry), a field that
// is not one of the type, no destination, standard output for a directory or for two outputs, or
// where it is a terminal.
Result<std::vector<BuildOutput>> ReadBuildOutputs(const std::vector<std::string>& given, bool load);

// Takes compression= and compression-level= out of the fields of `text`, a value of `option`;
// `otherwise`: where they say nothing. Usage error: a method or a level that there is not.
Result<Compression> TakeCompression(std::string_view option, const std::string& text,
                                    CsvFields* fields, Compression otherwise);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_BUILD_OUTPUT_OPTION_H_
