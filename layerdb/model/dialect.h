// SPDX-License-Identifier: Apache-2.0
//
// The dialects in which a directory says "this hides what is below": names and values, nothing
// more. Reading and writing them is layer/marks and fs/upper.
//
// Sources: kernel Documentation/filesystems/overlayfs.rst ("whiteouts and opaque directories",
// "Redirecting directories", "Metadata only copy up", "User xattr", "Nesting overlayfs mounts");
// OCI image-spec layer.md ("Whiteouts"); fuse-overlayfs and containers-storage for the user.* names.
#ifndef VENEER_LAYERDB_MODEL_DIALECT_H_
#define VENEER_LAYERDB_MODEL_DIALECT_H_

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
// On the root of an upper: nothing in it is written in the ".wh." dialect.
inline constexpr std::string_view kMarkUpper = "veneer.upper";

inline constexpr const char* kFuseOverlayOpaque = "user.fuseoverlayfs.opaque";
inline constexpr const char* kOverrideStat = "user.containers.override_stat";

// True for names that a union's inside must neither see nor set: every dialect's private namespace.
bool IsPrivateXattr(std::string_view name);

// Data that looks like a mark is kept on disk with one more "overlay."
// ("trusted.overlay.overlay.x"). Gives the name on disk of the xattr `name`, and back: nullopt for
// a real mark, which is not data.
std::string EscapeXattr(std::string_view name);
std::optional<std::string> UnescapeXattr(std::string_view on_disk);

// user.containers.override_stat: "uid:gid:mode" in octal mode, optionally followed by ":type".
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
