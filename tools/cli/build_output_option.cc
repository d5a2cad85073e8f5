// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/build_output_option.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "layerdb/base/parse.h"
#include "layerdb/catalog/images.h"
#include "tools/cli/csv_fields.h"

namespace veneer {

namespace {

constexpr std::string_view kOption = "--output";

// Fields that change nothing here: names of files in archives and media types are always those of
// OCI, times are those of --timestamp, and there is one platform.
constexpr std::string_view kNoEffect[] = {"force-compression", "oci-mediatypes", "buildinfo",
                                          "rewrite-timestamp", "platform-split"};

Result<std::vector<std::string>> ReadNames(const std::string& list) {
  std::vector<std::string> names;
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    VENEER_TRY(std::string name, NormalizeTag(list.substr(begin, end - begin)));
    names.push_back(std::move(name));
    begin = end + 1;
  }
  return names;
}

// The form of an archive of the image.
Result<void> ReadImageFields(const std::string& type, CsvFields* fields, const std::string& text,
                             BuildOutput* output) {
  output->kind = BuildOutput::Kind::kImage;
  output->format = type == "oci" ? SaveFormat::kOciArchive : SaveFormat::kDockerArchive;
  const std::string tar = TakeField(fields, "tar");
  if (tar == "false" && type == "docker") {
    return WrongOption(kOption, text + ": a directory is of type=oci");
  }
  if (tar == "false") output->format = SaveFormat::kOciDirectory;
  VENEER_TRY(output->names, ReadNames(TakeField(fields, "name")));
  VENEER_TRY(output->compression,
             TakeCompression(kOption, text, fields, DefaultCompression(output->format)));
  return {};
}

Result<BuildOutput> ReadOutput(const std::string& text) {
  BuildOutput output;
  if (text == "-") {
    output.kind = BuildOutput::Kind::kTar;
    output.destination = "-";
    return output;
  }
  VENEER_TRY(CsvFields fields, ReadCsvFields(kOption, text));
  // A single word without "type=" is a directory, whatever is in its name.
  if (fields.size() == 1 && !fields.contains("type")) {
    output.kind = BuildOutput::Kind::kDirectory;
    output.destination = text;
    return output;
  }
  const std::string type = TakeField(&fields, "type");
  output.destination = TakeField(&fields, "dest");
  for (const std::string_view name : kNoEffect) TakeField(&fields, std::string(name));
  if (type == "image" || type == "registry") {
    return WrongOption(kOption, "type=" + type +
                                    ": the image goes into the store without it; `veneer build -t "
                                    "NAME` and `veneer push NAME` send it to a registry");
  }
  if (type == "local") {
    output.kind = BuildOutput::Kind::kDirectory;
    if (output.destination.empty() || output.destination == "-") {
      return WrongOption(kOption, text + ": dest= must be a directory");
    }
  } else if (type == "tar") {
    output.kind = BuildOutput::Kind::kTar;
  } else if (type == "oci" || type == "docker") {
    VENEER_TRY_VOID(ReadImageFields(type, &fields, text, &output));
  } else {
    return WrongOption(kOption, type.empty()
                                    ? text + ": type= is missing"
                                    : "type=" + type + ": there are docker, oci, tar and local");
  }
  if (!fields.empty()) {
    return WrongOption(kOption, text + ": no such field: " + fields.begin()->first);
  }
  if (!output.destination.empty()) return output;
  if (type == "docker") {
    output.kind = BuildOutput::Kind::kStore;
  } else {
    output.destination = "-";
  }
  return output;
}

}  // namespace

Result<Compression> TakeCompression(std::string_view option, const std::string& text,
                                    CsvFields* fields, Compression otherwise) {
  const std::string name = TakeField(fields, "compression");
  const std::string level = TakeField(fields, "compression-level");
  Compression compression = otherwise;
  if (!name.empty()) {
    Result<Compression> read = ParseCompression(name == "uncompressed" ? "none" : name);
    if (!read) return WrongOption(option, text + ": " + read.error().message());
    compression = *read;
  }
  if (level.empty()) return compression;
  const auto number = ParseNumber<int>(level);
  const int most = compression.kind == CompressionKind::kZstd ? 19 : 9;
  if (!number || *number < 0 || *number > most) {
    return WrongOption(option, text + ": compression-level= takes 0 to " + std::to_string(most));
  }
  compression.level = *number;
  return compression;
}

Result<std::vector<BuildOutput>> ReadBuildOutputs(const std::vector<std::string>& given,
                                                  bool load) {
  std::vector<BuildOutput> outputs;
  const auto to_standard_output = [&] {
    return std::ranges::count_if(outputs,
                                 [](const BuildOutput& each) { return each.ToStandardOutput(); });
  };
  for (const std::string& text : given) {
    VENEER_TRY(BuildOutput output, ReadOutput(text));
    if (output.ToStandardOutput() && output.format == SaveFormat::kOciDirectory) {
      return WrongOption(kOption, text + ": dest= must be a new directory");
    }
    outputs.push_back(std::move(output));
  }
  if (to_standard_output() > 1) return WrongOption(kOption, "goes twice to standard output");
  if (to_standard_output() > 0 && ::isatty(STDOUT_FILENO) == 1) {
    return WrongOption(kOption, "would go to a terminal: give dest=, or redirect it");
  }
  if (outputs.empty() || load) outputs.emplace_back();
  return outputs;
}

}  // namespace veneer
