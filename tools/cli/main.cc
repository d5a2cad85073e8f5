// SPDX-License-Identifier: Apache-2.0
//
// veneer: the command a person uses.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "layerdb/base/log.h"
#include "tools/cli/commands.h"

namespace {

// A program started without its standard descriptors must not find a file of its own in their place.
void OpenStandardDescriptors() {
  int fd;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardDescriptors();
  veneer::LogToStderr("veneer");
  try {
    return veneer::RunVeneer(argc, argv);
  } catch (const std::exception& error) {
    veneer::PrintError(error.what());
  }
  return 1;
}
