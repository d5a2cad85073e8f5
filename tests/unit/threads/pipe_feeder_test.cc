// SPDX-License-Identifier: Apache-2.0
#include "layerdb/threads/pipe_feeder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>

#include "layerdb/threads/cancellation.h"

namespace veneer {
namespace {

std::string ReadToEnd(int fd) {
  std::string all;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    all.append(buffer.data(), static_cast<size_t>(n));
  }
  return all;
}

TEST(PipeFeeder, GivesAllOfIt) {
  const std::string text(3'000'000, 'x');
  auto feeder = PipeFeeder::Start([&](const auto& give) -> Result<void> {
    VENEER_TRY_VOID(give(text));
    return give("end");
  });
  ASSERT_TRUE(feeder);
  EXPECT_EQ(ReadToEnd((*feeder)->fd()), text + "end");
  const Result<bool> all = (*feeder)->Finish();
  ASSERT_TRUE(all);
  EXPECT_TRUE(*all);
}

TEST(PipeFeeder, TheFailureOfTheBodyIsToldAtTheEnd) {
  auto feeder = PipeFeeder::Start([](const auto& give) -> Result<void> {
    VENEER_TRY_VOID(give("some"));
    return MakeError("broken");
  });
  ASSERT_TRUE(feeder);
  EXPECT_EQ(ReadToEnd((*feeder)->fd()), "some");
  const Result<bool> all = (*feeder)->Finish();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().message(), "broken");
}

TEST(PipeFeeder, AReaderThatLeavesEndsIt) {
  const std::string text(3'000'000, 'x');
  auto feeder = PipeFeeder::Start([&](const auto& give) -> Result<void> { return give(text); });
  ASSERT_TRUE(feeder);
  const Result<bool> all = (*feeder)->Finish();
  ASSERT_TRUE(all);
  EXPECT_FALSE(*all);
  // One that nobody finishes ends too.
  ASSERT_TRUE(PipeFeeder::Start([&](const auto& give) -> Result<void> { return give(text); }));
}

TEST(Cancellation, IsRequestedWhereItsParentIs) {
  Cancellation parent;
  const Cancellation child(&parent);
  EXPECT_TRUE(Cancellation::Check(&child));
  std::array<int, 2> ends;
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::thread requests([&] { parent.Request(); });
  const Sys<void> waited = Cancellation::WaitForInput(&child, ends[0]);
  requests.join();
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ECANCELED);
  EXPECT_TRUE(child.requested());
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace veneer
