// SPDX-License-Identifier: Apache-2.0
#include "fs/options/options.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

using Words = std::vector<std::string>;

Result<MountOptions> Parse(const Words& args) { return ParseOptions(args); }

MountOptions MustParse(const Words& args) {
  Result<MountOptions> options = Parse(args);
  EXPECT_TRUE(options.has_value()) << (options ? "" : options.error().message());
  return options ? *options : MountOptions();
}

std::string ErrorOf(const Words& args) {
  const Result<MountOptions> options = Parse(args);
  EXPECT_FALSE(options.has_value());
  return options ? "" : options.error().message();
}

TEST(OptionsTest, DefaultsAreThoseOfTheDocumentation) {
  const MountOptions o = MustParse({"-o", "lowerdir=/l", "/mnt"});
  EXPECT_EQ(o.lowerdirs, Words{"/l"});
  EXPECT_EQ(o.mount_point, "/mnt");
  EXPECT_EQ(o.upperdir, "");
  EXPECT_EQ(o.fsname, "veneerfs");
  EXPECT_EQ(o.subtype, "veneerfs");
  EXPECT_EQ(o.timeout, MountOptions::kForever);
  EXPECT_FALSE(o.allow_other.has_value());
  EXPECT_TRUE(o.acl);
  EXPECT_TRUE(o.fsync);
  EXPECT_TRUE(o.redirect_dir);
  EXPECT_TRUE(o.metacopy);
  EXPECT_TRUE(o.ids.identity());
  EXPECT_EQ(o.io, IoMode::kAuto);
  EXPECT_FALSE(o.read_only || o.allow_root || o.is_volatile || o.foreground || o.debug ||
               o.show_help || o.show_version);
  EXPECT_TRUE(o.warnings.empty());
}

// --- the command lines of real callers --------------------------------------------------------

TEST(OptionsTest, ContainersStorageReadWrite) {
  const MountOptions o =
      MustParse({"-o",
                 "lowerdir=l/ABC:l/DEF/../diff1,upperdir=id/diff,workdir=id/work,volatile,"
                 "context=\"system_u:object_r:container_file_t:s0:c1,c2\","
                 "uidmapping=:0:1000:1:1:100000:65536,gidmapping=:0:1000:1:1:100000:65536,"
                 "xattr_permissions=2",
                 "id/merged"});
  EXPECT_EQ(o.lowerdirs, (Words{"l/ABC", "l/DEF/../diff1"}));
  EXPECT_EQ(o.upperdir, "id/diff");
  EXPECT_EQ(o.workdir, "id/work");
  EXPECT_TRUE(o.is_volatile);
  EXPECT_EQ(o.context, "system_u:object_r:container_file_t:s0:c1,c2");
  EXPECT_EQ(o.ids.users.ToMount(0), 1000u);
  EXPECT_EQ(o.ids.groups.ToMount(1), 100000u);
  EXPECT_EQ(o.xattr_permissions, 2);
  EXPECT_EQ(o.mount_point, "id/merged");
  EXPECT_TRUE(o.warnings.empty());
}

TEST(OptionsTest, ContainersStorageReadOnly) {
  const MountOptions o = MustParse({"-o", "lowerdir=id/diff:l/A:l/B", "id/merged"});
  EXPECT_EQ(o.lowerdirs, (Words{"id/diff", "l/A", "l/B"}));
  EXPECT_TRUE(o.upperdir.empty());
}

TEST(OptionsTest, ContainersStorageSquashAndLeftovers) {
  const MountOptions o = MustParse(
      {"-o",
       "lowerdir=a,upperdir=b,workdir=c,squash_to_uid=1000,squash_to_gid=1001,fsync=0,noxattrs=1",
       "m"});
  EXPECT_EQ(o.ids.users.ToMount(0), 1000u);
  EXPECT_EQ(o.ids.groups.ToMount(0), 1001u);
  EXPECT_FALSE(o.fsync);
  EXPECT_TRUE(o.warnings.empty());
}

TEST(OptionsTest, BuildahOverlayVolume) {
  const MountOptions o = MustParse(
      {"-o", R"(lowerdir=/src\:with/colon,upperdir=/u,workdir=/w,private,context="a:b:c1,c2")",
       "/content/merge"});
  EXPECT_EQ(o.lowerdirs, Words{"/src:with/colon"});
  EXPECT_EQ(o.context, "a:b:c1,c2");
  EXPECT_TRUE(o.warnings.empty());
}

TEST(OptionsTest, Apptainer) {
  const MountOptions o =
      MustParse({"-f", "-o", "lowerdir=/a:/b,upperdir=/u,workdir=/w,noacl", "/target"});
  EXPECT_TRUE(o.foreground);
  EXPECT_FALSE(o.acl);
}

TEST(OptionsTest, ContainerdSnapshotterThroughMountFuse3) {
  const MountOptions o =
      MustParse({"overlay", "/target", "-o",
                 "workdir=/w,upperdir=/u,lowerdir=/l1:/l2,writeback=0,rw,dev,suid"});
  EXPECT_EQ(o.mount_point, "/target");
  EXPECT_EQ(o.fsname, "overlay");
  EXPECT_EQ(o.lowerdirs, (Words{"/l1", "/l2"}));
  EXPECT_EQ(o.flags, (Words{"rw", "dev", "suid"}));
  EXPECT_TRUE(o.warnings.empty());
}

TEST(OptionsTest, EveryOptionOfFuseOverlayfsIsKnown) {
  const MountOptions o = MustParse(
      {"-o",
       "lowerdir=/"
       "l,redirect_dir=off,timeout=0.5,threaded=1,fsync=1,fast_ino=1,writeback=1,noxattrs=1,"
       "plugins=x,xattr_permissions=1,squash_to_root,static_nlink,volatile,noacl,ino32_t=1,xino="
       "auto,"
       "allow_root,allow_other,default_permissions,suid,nosuid,dev,nodev,exec,noexec,atime,noatime,"
       "diratime,nodiratime,splice_write,splice_read,splice_move,kernel_cache,max_write=131072,ro,"
       "rw",
       "/m"});
  EXPECT_EQ(o.warnings, Words{});
  EXPECT_EQ(o.timeout, 0.5);
  EXPECT_TRUE(o.static_nlink);
  EXPECT_TRUE(o.xino);
  EXPECT_FALSE(o.redirect_dir);
  EXPECT_EQ(o.ids.users.ToMount(55), 0u);
  EXPECT_EQ(o.allow_other, true);
  EXPECT_TRUE(o.allow_root);
  EXPECT_FALSE(o.read_only);
}

// --- forms of the command line ------------------------------------------------------------------

TEST(OptionsTest, OptionsMayComeGluedRepeatedAndAfterTheMountPoint) {
  const MountOptions o =
      MustParse({"-olowerdir=/l", "/m", "-o", "upperdir=/u", "-oworkdir=/w,ro", "-d"});
  EXPECT_EQ(o.lowerdirs, Words{"/l"});
  EXPECT_EQ(o.upperdir, "/u");
  EXPECT_EQ(o.workdir, "/w");
  EXPECT_TRUE(o.read_only);
  EXPECT_TRUE(o.debug);
  EXPECT_TRUE(o.foreground);  // -d implies -f
}

TEST(OptionsTest, TheLastWordIsTheMountPoint) {
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l", "src", "/m"}).mount_point, "/m");
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l", "a", "b", "/m"}).mount_point, "/m");
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l", "--", "-strange"}).mount_point, "-strange");
}

TEST(OptionsTest, FsnameBeatsTheSourceWord) {
  EXPECT_EQ(MustParse({"src", "/m", "-o", "lowerdir=/l,fsname=mine,subtype=other"}).fsname, "mine");
  EXPECT_EQ(MustParse({"src", "/m", "-o", "lowerdir=/l,subtype=other"}).subtype, "other");
}

TEST(OptionsTest, HelpAndVersionNeedNothingElse) {
  for (const char* word : {"-h", "--help"}) EXPECT_TRUE(MustParse({word}).show_help);
  for (const char* word : {"-V", "--version"}) EXPECT_TRUE(MustParse({word}).show_version);
}

TEST(OptionsTest, TheLastOfTwoContraryWordsCounts) {
  EXPECT_TRUE(MustParse({"-o", "lowerdir=/l,rw,ro", "/m"}).read_only);
  EXPECT_FALSE(MustParse({"-o", "lowerdir=/l,ro,rw", "/m"}).read_only);
  EXPECT_TRUE(MustParse({"-r", "-o", "lowerdir=/l", "/m"}).read_only);
  EXPECT_TRUE(MustParse({"-o", "lowerdir=/l,noacl,acl", "/m"}).acl);
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l,lowerdir=/k", "/m"}).lowerdirs, Words{"/k"});
}

TEST(OptionsTest, FiveHundredLayersWithLongNames) {
  std::string text = "lowerdir=";
  Words expected;
  for (int i = 0; i < 500; ++i) {
    expected.push_back("/storage/" + std::string(200, 'x') + std::to_string(i));
    text += (i == 0 ? "" : ":") + expected.back();
  }
  EXPECT_EQ(MustParse({"-o", text + ",upperdir=/u,workdir=/w", "/m"}).lowerdirs, expected);
}

TEST(OptionsTest, EscapesAndQuotesInPaths) {
  const MountOptions o = MustParse(
      {"-o", R"(lowerdir="/a,b:/c\:d",upperdir=/u\,v,workdir=/w\\x,objects=/o\:p)", "/m"});
  EXPECT_EQ(o.lowerdirs, (Words{"/a,b", "/c:d"}));
  EXPECT_EQ(o.upperdir, "/u,v");
  EXPECT_EQ(o.workdir, R"(/w\x)");
  EXPECT_EQ(o.objects, "/o:p");
}

TEST(OptionsTest, CacheAndTimeoutAndIo) {
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l,cache=none", "/m"}).timeout, 0);
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l,cache=always", "/m"}).timeout, MountOptions::kForever);
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l,timeout=1e300", "/m"}).timeout, MountOptions::kForever);
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l,io=passthrough", "/m"}).io, IoMode::kPassthrough);
  EXPECT_EQ(MustParse({"-o", "lowerdir=/l,io=cached", "/m"}).io, IoMode::kCached);
}

TEST(OptionsTest, EachOptimizationIsOnAndCanBeDisabled) {
  const struct {
    const char* name;
    bool Optimizations::*member;
  } all[] = {{"stateless", &Optimizations::stateless},
             {"polling", &Optimizations::polling},
             {"cache_negative", &Optimizations::cache_negative},
             {"cache_symlinks", &Optimizations::cache_symlinks},
             {"parallel_dirops", &Optimizations::parallel_dirops},
             {"killpriv", &Optimizations::killpriv},
             {"direct_writes", &Optimizations::direct_writes},
             {"refuse_labels", &Optimizations::refuse_labels},
             {"readdirplus", &Optimizations::readdirplus},
             {"readdirplus_auto", &Optimizations::readdirplus_auto}};
  for (const auto& [name, member] : all) {
    const Optimizations left =
        MustParse({"-o", std::string("lowerdir=/l,x-disable=") + name, "/m"}).optimizations;
    for (const auto& other : all) {
      EXPECT_EQ(left.*other.member, member != other.member) << name << " " << other.name;
    }
  }
}

TEST(OptionsTest, SeveralOptimizationsAreDisabledByOneListOrByMore) {
  for (const char* words :
       {"x-disable=polling:killpriv", "x-disable=polling,x-disable=,x-disable=killpriv"}) {
    const Optimizations left =
        MustParse({"-o", std::string("lowerdir=/l,") + words, "/m"}).optimizations;
    EXPECT_FALSE(left.polling) << words;
    EXPECT_FALSE(left.killpriv) << words;
    EXPECT_TRUE(left.stateless) << words;
  }
}

TEST(OptionsTest, RedirectAndMetacopyTakeTheWordsOfTheKernel) {
  for (const char* word : {"off", "follow", "nofollow", "0"}) {
    const MountOptions o = MustParse({"-o", std::string("lowerdir=/l,redirect_dir=") + word, "/m"});
    EXPECT_FALSE(o.redirect_dir) << word;
  }
  EXPECT_TRUE(MustParse({"-o", "lowerdir=/l,redirect_dir=on,metacopy=on", "/m"}).metacopy);
  EXPECT_FALSE(MustParse({"-o", "lowerdir=/l,metacopy=off", "/m"}).metacopy);
}

TEST(OptionsTest, ASingleIdBeatsSquashToRootInAnyOrder) {
  for (const char* order : {"squash_to_root,squash_to_uid=5", "squash_to_uid=5,squash_to_root"}) {
    const MountOptions o = MustParse({"-o", std::string("lowerdir=/l,") + order, "/m"});
    EXPECT_EQ(o.ids.users.ToMount(1), 5u) << order;
    EXPECT_EQ(o.ids.groups.ToMount(1), 0u) << order;
  }
}

TEST(OptionsTest, UnknownOptionsWarnOnceEach) {
  const MountOptions o = MustParse(
      {"-o", "lowerdir=/l,bogus,bogus=2,other=1,x-systemd.automount", "-o", "bogus", "/m", "-z"});
  ASSERT_EQ(o.warnings.size(), 3u);
  std::string all;
  for (const std::string& warning : o.warnings) all += warning + "\n";
  for (const char* word : {": bogus\n", ": other\n", ": -z\n"}) {
    EXPECT_NE(all.find(word), std::string::npos) << all;
  }
}

// --- refusals: one line that names the option ---

struct BadCase {
  Words args;
  const char* in_message;
};

TEST(OptionsTest, RefusalsNameTheOption) {
  const BadCase cases[] = {
      {{"-o", "lowerdir=/l"}, "mount point"},
      {{}, "mount point"},
      {{"/m"}, "lowerdir="},
      {{"-o", "upperdir=/u,workdir=/w", "/m"}, "lowerdir="},
      {{"-o", "lowerdir=/l,upperdir=/u", "/m"}, "workdir="},
      {{"/m", "-o"}, "-o"},
      {{"-o", "lowerdir=", "/m"}, "lowerdir="},
      {{"-o", "lowerdir=/a::/b", "/m"}, "lowerdir="},
      {{"-o", "lowerdir", "/m"}, "lowerdir="},
      {{"-o", "lowerdir=/l,upperdir=,workdir=/w", "/m"}, "upperdir="},
      {{"-o", "lowerdir=/l,timeout=abc", "/m"}, "timeout=abc"},
      {{"-o", "lowerdir=/l,timeout=-1", "/m"}, "timeout=-1"},
      {{"-o", "lowerdir=/l,timeout=nan", "/m"}, "timeout=nan"},
      {{"-o", "lowerdir=/l,uidmapping=0:1", "/m"}, "0:1"},
      {{"-o", "lowerdir=/l,gidmapping=x", "/m"}, "\"x\""},
      {{"-o", "lowerdir=/l,squash_to_uid=root", "/m"}, "squash_to_uid=root"},
      {{"-o", "lowerdir=/l,squash_to_gid=4294967295", "/m"}, "squash_to_gid="},
      {{"-o", "lowerdir=/l,xattr_permissions=3", "/m"}, "xattr_permissions=3"},
      {{"-o", "lowerdir=/l,cache=maybe", "/m"}, "cache=maybe"},
      {{"-o", "lowerdir=/l,io=fast", "/m"}, "io=fast"},
      {{"-o", "lowerdir=/l,x-disable=polling:maybe", "/m"}, "maybe"},
      {{"-o", "lowerdir=/l,volatile=perhaps", "/m"}, "volatile=perhaps"},
      {{"-o", "lowerdir=/l", ""}, "mount point"},
  };
  for (const BadCase& bad : cases) {
    const std::string message = ErrorOf(bad.args);
    EXPECT_NE(message.find(bad.in_message), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace veneer
