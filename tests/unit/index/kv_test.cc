// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/kv.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <new>
#include <random>
#include <thread>

#include "tests/unit/index/temp_dir.h"

namespace {
std::atomic<size_t> largest_allocation{0};
}  // namespace

// So that a test can tell what is held in memory at once.
void* operator new(size_t size) {
  size_t known = largest_allocation;
  while (known < size && !largest_allocation.compare_exchange_weak(known, size)) {
  }
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*unused*/) noexcept { std::free(memory); }

namespace veneer {
namespace {

std::string GetOne(KvDatabase& db, const std::string& key) {
  std::string value = "(none)";
  const Result<void> read = db.Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(const auto got, txn.Get(key));
    if (got) value = *got;
    return {};
  });
  EXPECT_TRUE(read.has_value());
  return value;
}

Result<void> Increment(KvDatabase& db, const std::string& key) {
  return db.Write([&](KvTxn& txn) -> Result<void> {
    VENEER_TRY(const auto got, txn.Get(key));
    const int value = got ? std::stoi(std::string(*got)) : 0;
    return txn.Put(key, std::to_string(value + 1));
  });
}

TEST(Kv, ALargeDatabaseIsOpenedWithoutBeingReadIntoMemory) {
  const TempDir dir;
  {
    auto db = Must(KvDatabase::Open(dir / "db"));
    ASSERT_TRUE(db->Write([](KvTxn& txn) -> Result<void> {
      for (int i = 0; i < 2000; ++i) {
        VENEER_TRY_VOID(txn.Put("key" + std::to_string(i), std::string(5000, 'v')));
      }
      return {};
    }));
  }
  largest_allocation = 0;
  auto db = Must(KvDatabase::Open(dir / "db"));
  EXPECT_LT(largest_allocation, size_t{100} << 10);
  EXPECT_EQ(GetOne(*db, "key1999"), std::string(5000, 'v'));
}

TEST(Kv, KeepsScansAndErases) {
  const TempDir dir;
  {
    auto db = Must(KvDatabase::Open(dir / "db"));
    ASSERT_TRUE(db->Write([](KvTxn& txn) -> Result<void> {
      for (const char* key : {"b/2", "a/1", "b/1", "c"}) VENEER_TRY_VOID(txn.Put(key, key));
      return {};
    }));
  }
  auto db = Must(KvDatabase::Open(dir / "db"));
  EXPECT_EQ(GetOne(*db, "b/2"), "b/2");
  std::string keys;
  ASSERT_TRUE(db->Read([&](const KvTxn& txn) {
    return txn.Scan("b/", [&](std::string_view key, std::string_view) {
      keys.append(key).append(" ");
      return true;
    });
  }));
  EXPECT_EQ(keys, "b/1 b/2 ");
  ASSERT_TRUE(db->Write([](KvTxn& txn) -> Result<void> {
    VENEER_TRY_VOID(txn.Erase("b/2"));
    return txn.Erase("absent");
  }));
  EXPECT_EQ(GetOne(*db, "b/2"), "(none)");
}

TEST(Kv, ChangesNothingWhenTheBodyFails) {
  const TempDir dir;
  auto db = Must(KvDatabase::Open(dir / "db"));
  ASSERT_TRUE(Increment(*db, "n"));
  const Result<void> failed = db->Write([](KvTxn& txn) -> Result<void> {
    VENEER_TRY_VOID(txn.Put("n", "100"));
    return MakeError("no");
  });
  EXPECT_FALSE(failed.has_value());
  EXPECT_EQ(GetOne(*db, "n"), "1");
}

TEST(Kv, GrowsItsMapAndOthersFollow) {
  const TempDir dir;
  auto small = Must(KvDatabase::Open(dir / "db", 64 * 1024));
  auto other = Must(KvDatabase::Open(dir / "db", 64 * 1024));
  EXPECT_EQ(GetOne(*other, "k0"), "(none)");
  const std::string value(30'000, 'v');
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(small->Write([&](KvTxn& txn) { return txn.Put("k" + std::to_string(i), value); }));
  }
  EXPECT_EQ(GetOne(*other, "k39"), value);
  ASSERT_TRUE(Increment(*other, "n"));
  EXPECT_EQ(GetOne(*small, "n"), "1");
}

TEST(Kv, CountsRightFromManyProcessesAndThreads) {
  const TempDir dir;
  constexpr int kProcesses = 4;
  constexpr int kThreads = 2;
  constexpr int kEach = 25;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t pid = fork();
    if (pid == 0) {
      // All make the database at once.
      auto db = KvDatabase::Open(dir / "db");
      bool ok = db.has_value();
      std::vector<std::thread> threads;
      for (int t = 0; ok && t < kThreads; ++t) {
        threads.emplace_back([&] {
          for (int i = 0; i < kEach; ++i) {
            if (!Increment(**db, "n")) std::abort();
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      _exit(ok ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  auto db = Must(KvDatabase::Open(dir / "db"));
  EXPECT_EQ(GetOne(*db, "n"), std::to_string(kProcesses * kThreads * kEach));
}

TEST(Kv, IsNotHeldUpByAKilledProcess) {
  const TempDir dir;
  auto db = Must(KvDatabase::Open(dir / "db"));
  ASSERT_TRUE(Increment(*db, "n"));
  for (const bool writing : {true, false}) {
    const pid_t pid = fork();
    if (pid == 0) {
      auto own = KvDatabase::Open(dir / "db");
      const auto die = [] { kill(getpid(), SIGKILL); };
      if (writing) {
        IgnoreError((*own)->Write([&](KvTxn& txn) -> Result<void> {
          VENEER_TRY_VOID(txn.Put("n", "77"));
          die();
          return {};
        }),
                    "never returns");
      } else {
        IgnoreError((*own)->Read([&](const KvTxn&) -> Result<void> {
          die();
          return {};
        }),
                    "never returns");
      }
      _exit(1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  EXPECT_EQ(GetOne(*db, "n"), "1");
  ASSERT_TRUE(Increment(*db, "n"));
  EXPECT_EQ(GetOne(*db, "n"), "2");
}

TEST(Kv, RefusesKeysThatLmdbCannotHold) {
  const TempDir dir;
  auto db = Must(KvDatabase::Open(dir / "db"));
  for (const size_t size : {size_t{0}, size_t{501}}) {
    const Result<void> put =
        db->Write([&](KvTxn& txn) { return txn.Put(std::string(size, 'k'), "v"); });
    EXPECT_FALSE(put.has_value()) << size;
  }
}

TEST(Kv, SaysWhichFileIsDamaged) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "db");
  WriteFile(dir / "db/data.mdb", std::string(10'000, 'x'));
  const auto db = KvDatabase::Open(dir / "db");
  ASSERT_FALSE(db.has_value());
  EXPECT_NE(db.error().message().find("data.mdb"), std::string::npos);
}

// Fills a database such that it has several levels, large values and free pages. Returns its file.
std::string MakeDatabase(const std::string& dir, int keys) {
  auto db = Must(KvDatabase::Open(dir));
  for (int round = 0; round < 3; ++round) {
    const Result<void> written = db->Write([&](KvTxn& txn) -> Result<void> {
      for (int i = 0; i < keys; ++i) {
        const std::string key = "key" + std::to_string(i);
        VENEER_TRY_VOID(round == 1 && i % 2 == 0
                            ? txn.Erase(key)
                            : txn.Put(key, std::string(i % 40 == 0 ? 6000 : 100, 'v')));
      }
      return {};
    });
    EXPECT_TRUE(written.has_value());
  }
  return ReadFile(dir + "/data.mdb");
}

int CountKeys(KvDatabase& db) {
  int count = 0;
  const Result<void> read = db.Read([&](const KvTxn& txn) {
    count = 0;
    return txn.Scan("", [&](std::string_view, std::string_view value) {
      // Every byte is touched.
      count += std::count(value.begin(), value.end(), 'v') > 0 ? 1 : 0;
      return true;
    });
  });
  return read ? count : -1;
}

// Whatever is cut off: all is there, or the error says which file is damaged.
TEST(Kv, IsNeverReadBeyondTheEndOfItsFile) {
  for (const int keys : {3, 300}) {
    const TempDir dir;
    const std::string whole = MakeDatabase(dir / "db", keys);
    for (size_t size = 1; size < whole.size(); size += size % 4096 == 1 ? 511 : 512) {
      std::filesystem::create_directory(dir / "cut");
      WriteFile(dir / "cut/data.mdb", whole.substr(0, size));
      const auto db = KvDatabase::Open(dir / "cut");
      if (db) {
        EXPECT_EQ(CountKeys(**db), keys) << size;
        EXPECT_TRUE(Increment(**db, "n")) << size;
      } else {
        EXPECT_EQ(db.error().code(), EUCLEAN) << size;
        EXPECT_NE(db.error().message().find("data.mdb is damaged"), std::string::npos) << size;
        EXPECT_EQ(db.error().reason(), Reason::kDamaged) << size;
      }
      std::filesystem::remove_all(dir / "cut");
    }
  }
}

// Damage of what LMDB believes is found before, or does no harm to the program.
TEST(Kv, SurvivesDamageOfItsFile) {
  const TempDir dir;
  const std::string whole = MakeDatabase(dir / "db", 300);
  const auto seed = static_cast<unsigned>(getpid());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 200; ++i) {
    std::string bytes = whole;
    // Most of what is believed stands at the beginning of a page.
    const size_t page = random() % (bytes.size() / 4096) * 4096;
    bytes[page + random() % (i % 3 == 0 ? 4096 : 160)] = static_cast<char>(random());
    std::filesystem::create_directory(dir / "bad");
    WriteFile(dir / "bad/data.mdb", bytes);
    if (const auto db = KvDatabase::Open(dir / "bad")) {
      CountKeys(**db);
      for (int n = 0; n < 3; ++n) IgnoreError(Increment(**db, "n"), "it may be damaged");
    }
    std::filesystem::remove_all(dir / "bad");
  }
}

// What is written again and again stays sound, whichever pages are free.
TEST(Kv, CanBeOpenedAfterEveryWrite) {
  const TempDir dir;
  const auto seed = static_cast<unsigned>(getpid());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 300; ++i) {
    auto db = Must(KvDatabase::Open(dir / "db"));
    ASSERT_TRUE(db->Write([&](KvTxn& txn) -> Result<void> {
      for (uint32_t n = random() % 60; n > 0; --n) {
        const std::string key = "key" + std::to_string(random() % 200);
        if (random() % 2 == 0) {
          VENEER_TRY_VOID(txn.Erase(key));
        } else {
          VENEER_TRY_VOID(txn.Put(key, std::string(random() % 9000, 'v')));
        }
      }
      return {};
    }));
  }
}

}  // namespace
}  // namespace veneer
