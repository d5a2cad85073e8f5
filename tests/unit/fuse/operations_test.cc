// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/operations.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fs/fuse/statx_request.h"

namespace veneer {
namespace {

TEST(OperationsTest, EveryOperationHasALineForDebugging) {
  for (const Operation& operation : Operations()) {
    fuse_in_header header = {};
    header.opcode = operation.opcode;
    header.unique = 7;
    header.nodeid = 3;
    header.len = 56;
    header.pid = 42;
    EXPECT_FALSE(operation.name.empty()) << operation.opcode;
    EXPECT_EQ(RequestLine(header), "unique: 7, opcode: " + std::string(operation.name) + " (" +
                                       std::to_string(operation.opcode) +
                                       "), nodeid: 3, insize: 56, pid: 42");
  }
}

TEST(OperationsTest, TheTableHasEveryOpcodeOnce) {
  // 7, 19: linux/fuse.h leaves them out.
  std::set<uint32_t> missing;
  for (uint32_t opcode = 1; opcode <= kStatxOpcode; ++opcode) {
    const Operation* operation = FindOperation(opcode);
    if (operation == nullptr) {
      missing.insert(opcode);
    } else {
      EXPECT_EQ(operation->opcode, opcode);
    }
  }
  EXPECT_EQ(missing, (std::set<uint32_t>{7, 19}));
  EXPECT_EQ(Operations().size(), kStatxOpcode - missing.size());
  EXPECT_EQ(FindOperation(0), nullptr);
  EXPECT_EQ(FindOperation(kStatxOpcode + 1), nullptr);
}

TEST(OperationsTest, AnUnknownOpcodeHasALineToo) {
  fuse_in_header header = {};
  header.opcode = 4096;
  EXPECT_NE(RequestLine(header).find("opcode: UNKNOWN (4096)"), std::string::npos);
}

TEST(OperationsTest, AnOperationWithTwoHandlersSaysWhichAnswers) {
  for (const Operation& operation : Operations()) {
    const bool both = operation.enter != nullptr && operation.answer_raw != nullptr;
    EXPECT_EQ(both, operation.answers_raw != nullptr) << operation.name;
  }
}

std::string Bytes(const fuse_in_header& header, const void* argument, size_t size) {
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         std::string(static_cast<const char*>(argument), size);
}

TEST(OperationsTest, ARenameChangesBothDirectories) {
  fuse_in_header header = {};
  header.nodeid = 5;
  fuse_rename2_in argument = {};
  argument.newdir = 9;
  for (const uint32_t opcode : {FUSE_RENAME, FUSE_RENAME2}) {
    header.opcode = opcode;
    const std::string bytes = Bytes(header, &argument, sizeof(argument));
    const RawRequest request{header, bytes.data(), bytes.size()};
    EXPECT_EQ(FindOperation(opcode)->changes(request), (ChangedNodes{5, 9}));
  }
}

TEST(OperationsTest, ARequestThatIsTooShortReadsAsZeroes) {
  const fuse_in_header header = {};
  const std::string bytes = Bytes(header, "abc", 3);
  const RawRequest request{header, bytes.data(), bytes.size()};
  EXPECT_EQ(request.Argument<uint64_t>(), uint64_t{0x636261});
  EXPECT_EQ(request.NameAfter<fuse_create_in>(), "");
}

}  // namespace
}  // namespace veneer
