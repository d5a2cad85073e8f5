// SPDX-License-Identifier: Apache-2.0
//
// The dialects in which a directory says "this hides what is below": names and values, nothing
// more. Reading and writing them is layer/marks and fs/upper.
//
// Sources: kernel Documentation/filesystems/overlayfs.rst ("whiteouts and opaque directories",
// "Redirecting directories", "Metadata only copy up", "User xattr", "Nesting overlayfs mounts");
// OCI image-spec layer.md ("Whiteouts"); fuse-overlayfs and containers-storage for the user.*
// names.
#ifndef VENEER_LAYERDB_MODEL_DIALECT_H_
#define VENEER_LAYERDB_MODEL_DIALECT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veneer {

// AUFS and OCI: a file ".wh.NAME" deletes NAME; ".wh..wh..opq" makes its directory opaque.
inline constexpr std::string_view kWhiteoutPrefix = ".wh.";
inline constexpr std::string_view kOpaqueName = ".wh..wh..opq";

// The two namespaces of the kernel's overlay marks. Root writes the first, everybody else the
// second.
inline constexpr std::string_view kTrustedOverlay = "trusted.overlay.";
inline constexpr std::string_view kUserOverlay = "user.overlay.";

// What follows the namespace.
inline constexpr std::string_view kMarkOpaque = "opaque";      // "y"; "x": holds xattr whiteouts
inline constexpr std::string_view kMarkRedirect = "redirect";  // "/abs/path" or "name"
inline constexpr std::string_view kMarkMetacopy = "metacopy";
inline constexpr std::string_view kMarkWhiteout = "whiteout";
// st_ino of the object that an upper file was copied up from, in decimal. Ours; it lies in the
// kernel's namespace so that a kernel overlay hides it too.
inline constexpr std::string_view kMarkOrigin = "veneer.origin";
// On the root of an upper: what is hidden in it is hidden by the marks of this one namespace, and
// not in the ".wh." dialect. With the value "mixed" the marks of both count: it was not empty when
// it became one. Where root keeps owners and modes in xattrs, the name of these follows:
// "y,user.containers.override_stat".
inline constexpr std::string_view kMarkUpper = "veneer.upper";

inline constexpr std::string_view kFuseOverlay = "user.fuseoverlayfs.";
inline constexpr const char* kFuseOverlayOpaque = "user.fuseoverlayfs.opaque";

// Where fuse-overlayfs and containers/storage keep owner, mode and type of an object whose file may
// not have them, in the order in which fuse-overlayfs looks for one at the root of a layer.
inline constexpr const char* kOverrideStat = "user.containers.override_stat";
inline constexpr std::array<const char*, 3> kOverrideStats = {
    "security.fuseoverlayfs.override_stat", kOverrideStat, "user.fuseoverlayfs.override_stat"};

// Which xattrs of a directory tree say something of the tree. All others are data of its users
// there, whatever they mean elsewhere: in a union inside this one, for example.
struct PrivateNames {
  bool trusted = true;                  // trusted.overlay.*
  bool user = true;                     // user.overlay.*
  bool fuse_overlayfs = true;           // user.fuseoverlayfs.*
  const char* override_stat = nullptr;  // that of kOverrideStats which counts; null: none
  // An upper of this project. Nobody but us writes a name there that says how a whole tree is
  // written (kMarkUpper in either namespace, kOverrideStats, any of kTrustedOverlay): as data they
  // are escaped, also while they mean nothing. Later they might.
  bool own_upper = false;

  friend bool operator==(const PrivateNames&, const PrivateNames&) = default;
};

// Data with the name of something private is kept on disk with one more "overlay."
// ("trusted.overlay.overlay.x"), as the kernel does since Linux 6.7. Gives the name on disk of the
// xattr `name`, and back: nullopt for what is private, and no data.
std::string EscapeXattr(std::string_view name, const PrivateNames& privates);
std::optional<std::string> UnescapeXattr(std::string_view on_disk, const PrivateNames& privates);
// True for data that may lie in an upper as it is, although EscapeXattr() gives another name: the
// kernel's overlayfs has written it there, or an older version of ours. Where both are, the escaped
// one counts.
bool MayBeUnescaped(std::string_view name, const PrivateNames& privates);

// The value of an override_stat: "uid:gid:mode" in octal mode, optionally followed by ":type".
struct OverrideStat {
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0;  // permission bits
  // "file", "dir", "symlink", "pipe", "socket", "block-MAJ-MIN", "char-MAJ-MIN"; empty: as on disk.
  std::string type;
};
std::optional<OverrideStat> ParseOverrideStat(std::string_view text);
std::string FormatOverrideStat(const OverrideStat& value);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_DIALECT_H_
