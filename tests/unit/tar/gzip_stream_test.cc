// SPDX-License-Identifier: Apache-2.0
//
// Streams of gzip, read with ISA-L and with zlib: the same bytes, and the same errors.
#include "layerdb/tar/gzip_stream.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>

namespace veneer {
namespace {

using namespace std::string_literals;

std::string Little(uint64_t value, size_t bytes) {
  std::string out;
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

uint32_t Crc(std::string_view bytes) {
  return static_cast<uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string Deflate(std::string_view text, int level = 6, int strategy = Z_DEFAULT_STRATEGY,
                    int memory = 8) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, level, Z_DEFLATED, -MAX_WBITS, memory, strategy), Z_OK);
  std::string out(::deflateBound(&stream, text.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string Header(uint8_t flags = 0, std::string_view fields = {}) {
  std::string out = "\x1f\x8b\x08"s + static_cast<char>(flags) + "\1\2\3\4\0\xff"s;
  out += fields;
  if ((flags & 2) != 0) out += Little(Crc(out) & 0xffff, 2);
  return out;
}

std::string Trailer(std::string_view text) { return Little(Crc(text), 4) + Little(text.size(), 4); }

std::string Gzip(std::string_view text) { return Header() + Deflate(text) + Trailer(text); }

// Gives `bytes` in pieces, each in a block of its own, so that no reader goes beyond its end.
class Pieces {
 public:
  Pieces(std::string_view bytes, std::function<size_t()> size)
      : left_(bytes), size_(std::move(size)) {}
  Result<std::string_view> operator()() {
    const size_t size = std::min(left_.size(), size_());
    piece_ = std::make_unique<char[]>(size);
    left_.copy(piece_.get(), size);
    left_.remove_prefix(size);
    return std::string_view(piece_.get(), size);
  }

 private:
  std::string_view left_;
  std::function<size_t()> size_;
  std::unique_ptr<char[]> piece_;
};

struct Reading {
  std::string text;
  std::string error;
};

Reading Read(Inflater& inflater, std::string_view bytes, const std::function<size_t()>& size) {
  Reading out;
  Pieces pieces(bytes, size);
  const Result<void> read = ReadGzip(
      inflater, [&] { return pieces(); },
      [&](std::string_view some) -> Result<void> {
        out.text += some;
        return {};
      });
  if (!read) out.error = read.error().message();
  return out;
}

// By one of the libraries, whose number is the parameter.
class GzipStreamTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    inflater_ = GetParam() == "isal" ? CreateIsalInflater() : CreateZlibInflater();
    if (inflater_ == nullptr) GTEST_SKIP() << "ISA-L (libisal-dev) is not installed";
  }
  Reading ReadIn(size_t piece, std::string_view bytes) {
    return Read(*inflater_, bytes, [piece] { return piece; });
  }
  void ExpectText(std::string_view bytes, std::string_view text) {
    for (const size_t piece : {1, 2, 7, 100'000}) {
      const Reading read = ReadIn(piece, bytes);
      EXPECT_EQ(read.error, "") << piece;
      EXPECT_EQ(read.text, text) << piece;
    }
  }
  void ExpectError(std::string_view bytes, const std::string& error) {
    for (const size_t piece : {1, 2, 7, 100'000}) {
      EXPECT_EQ(ReadIn(piece, bytes).error, "damaged compressed data: " + error) << piece;
    }
  }

  std::unique_ptr<Inflater> inflater_;
};

INSTANTIATE_TEST_SUITE_P(Library, GzipStreamTest, testing::Values("isal", "zlib"),
                         [](const auto& one) { return one.param; });

TEST_P(GzipStreamTest, EveryFieldOfAHeaderIsPassedOver) {
  const std::string extra = Little(300, 2) + std::string(300, '\0');
  const std::string name = "a\xff"s + '\0';
  for (uint8_t flags = 0; flags < 0x20; ++flags) {
    std::string fields;
    if ((flags & 4) != 0) fields += extra;
    if ((flags & 8) != 0) fields += name;
    if ((flags & 16) != 0) fields += "a comment"s + '\0';
    ExpectText(Header(flags, fields) + Deflate("text") + Trailer("text"), "text");
  }
}

TEST_P(GzipStreamTest, MembersFollowEachOther) {
  ExpectText(Gzip("one ") + Gzip("") + Gzip("two"), "one two");
  const std::string long_text(1 << 20, 'x');
  ExpectText(Gzip(long_text) + Gzip("end"), long_text + "end");
}

TEST_P(GzipStreamTest, WhatIsNoMemberIsLeftAloneBehindOne) {
  for (const std::string& rest :
       {std::string(512, '\0'), "garbage"s, "\x1f"s, "\x1f\x1f\x8b\x08"s}) {
    ExpectText(Gzip("text") + rest, "text");
  }
}

TEST_P(GzipStreamTest, EveryPlaceToCutShortIsAnError) {
  const std::string whole = Gzip("one") + Header(0x1e, "\3\0abcname\0comment\0"s) +
                            Deflate("a longer text, a longer text") +
                            Trailer("a longer text, a longer text");
  const size_t second = Gzip("one").size();
  for (size_t size = 0; size < whole.size(); ++size) {
    // One byte of the magic number is none.
    const bool member_ends = size == second || size == second + 1;
    const std::string error = size < 2 ? "not of gzip" : "cut short";
    EXPECT_EQ(ReadIn(5, whole.substr(0, size)).error,
              member_ends ? "" : "damaged compressed data: " + error)
        << size;
  }
}

TEST_P(GzipStreamTest, DamageOfEachPartIsAnError) {
  const std::string deflated = Deflate("text");
  const std::string good = Gzip("text");
  std::string header = Header(2);
  header[5] ^= 1;
  ExpectError(good + header + deflated + Trailer("text"), "the checksum of a gzip header differs");
  ExpectError(good + Header() + deflated + Trailer("texT"), "the checksum of gzip differs");
  ExpectError(Header() + deflated + Trailer("texT") + good, "the checksum of gzip differs");
  ExpectError(Header() + deflated + Little(Crc("text"), 4) + Little(5, 4),
              "the length of gzip differs");
  ExpectError(Header() + "\x07"s + Trailer("text"), "invalid deflate data");
  ExpectError("\x1f\x8b\x07"s + good.substr(3), "gzip with an unknown method of compression");
  ExpectError(Header(0x20) + good.substr(10), "gzip with unknown flags");
}

TEST_P(GzipStreamTest, AnErrorOfTheSinkEndsTheReading) {
  const std::string bytes = Gzip(std::string(3 << 20, 'x'));
  Pieces pieces(bytes, [] { return size_t{1000}; });
  size_t calls = 0;
  const Result<void> read = ReadGzip(
      *inflater_, [&] { return pieces(); },
      [&](std::string_view) -> Result<void> {
        ++calls;
        return MakeError("enough");
      });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(), "enough");
  EXPECT_EQ(calls, 1U);
}

class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}
  size_t Below(size_t end) { return random_() % end; }
  char Byte() { return static_cast<char>(random_()); }

  std::string Text() {
    const size_t size = Below(5) == 0 ? Below(400'000) : Below(3000);
    const size_t letters = 1 + Below(256);
    std::string out;
    while (out.size() < size) {
      const size_t kind = Below(8);
      if (kind == 0) out.append(1 + Below(600), Byte());
      if (kind == 1 && !out.empty()) out += out.substr(Below(out.size()), 3 + Below(300));
      if (kind > 1) out += static_cast<char>(Below(letters));
    }
    return out;
  }

  std::string Damaged(std::string bytes) {
    for (size_t i = 1 + Below(3); i > 0 && !bytes.empty(); --i) {
      // Often in the header of a block, where a change has the most effects.
      const size_t at = Below(Below(2) == 0 ? std::min<size_t>(bytes.size(), 80) : bytes.size());
      switch (Below(4)) {
        case 0: bytes[at] = Byte(); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ 1 << Below(8)); break;
        case 2: bytes.erase(at, 1 + Below(4)); break;
        default: bytes.insert(at, 1, Byte());
      }
    }
    return bytes;
  }

 private:
  std::mt19937 random_;
};

// VENEER_GZIP_SEED names the first seed, VENEER_GZIP_COUNT the number of cases.
uint32_t FromEnvironment(const char* name, uint32_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

TEST(GzipStream, BothLibrariesReadRandomStreamsAlike) {
  const std::unique_ptr<Inflater> isal = CreateIsalInflater();
  if (isal == nullptr) GTEST_SKIP() << "ISA-L (libisal-dev) is not installed";
  const std::unique_ptr<Inflater> zlib = CreateZlibInflater();
  const uint32_t first = FromEnvironment("VENEER_GZIP_SEED", std::random_device()());
  const uint32_t count = FromEnvironment("VENEER_GZIP_COUNT", 300);
  for (uint32_t seed = first; seed != first + count && !HasFailure(); ++seed) {
    SCOPED_TRACE("VENEER_GZIP_SEED=" + std::to_string(seed));
    Dice dice(seed);
    std::string text;
    std::string bytes;
    for (size_t members = 1 + dice.Below(3); members > 0; --members) {
      const std::string part = dice.Text();
      text += part;
      bytes += Header() +
               Deflate(part, static_cast<int>(dice.Below(10)), static_cast<int>(dice.Below(5)),
                       1 + static_cast<int>(dice.Below(9))) +
               Trailer(part);
    }
    const bool damaged = dice.Below(2) == 0;
    if (damaged) bytes = dice.Damaged(std::move(bytes));
    const size_t piece = 1 + dice.Below(dice.Below(2) == 0 ? 40 : 300'000);
    const auto size = [&] { return 1 + dice.Below(piece); };
    const Reading by_zlib = Read(*zlib, bytes, size);
    const Reading by_isal = Read(*isal, bytes, size);
    EXPECT_TRUE(damaged || (by_zlib.error.empty() && by_zlib.text == text)) << by_zlib.error;
    // ISA-L takes codes with unused combinations of bits (inflater.h). The checksum holds then, and
    // so the text is that of a member.
    if (by_isal.error.empty() && !by_zlib.error.empty()) {
      EXPECT_EQ(by_zlib.error, "damaged compressed data: invalid deflate data");
      EXPECT_TRUE(text.starts_with(by_isal.text));
      continue;
    }
    EXPECT_EQ(by_isal.error.empty(), by_zlib.error.empty()) << by_isal.error << by_zlib.error;
    EXPECT_TRUE(!by_zlib.error.empty() || by_isal.text == by_zlib.text);
  }
}

}  // namespace
}  // namespace veneer
