// SPDX-License-Identifier: Apache-2.0
//
// Values of options that are fields of a line of CSV, as the engines have them: "id=x,src=y".
#ifndef VENEER_TOOLS_CLI_CSV_FIELDS_H_
#define VENEER_TOOLS_CLI_CSV_FIELDS_H_

#include <map>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

// A usage error about a value of `option`.
tl::unexpected<Error> WrongOption(std::string_view option, const std::string& why);

// The value of each field by its name, in lower case; of a word without "=" it is empty.
using CsvFields = std::map<std::string, std::string>;
// Usage error: the line is none, a field is there twice.
Result<CsvFields> ReadCsvFields(std::string_view option, const std::string& text);

// Takes a field out; empty: it is not there.
std::string TakeField(CsvFields* fields, const std::string& name);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_CSV_FIELDS_H_
