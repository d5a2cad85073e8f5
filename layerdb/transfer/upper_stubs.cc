// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/upper_stubs.h"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>

#include "layerdb/base/printable.h"

namespace veneer {

Result<void> UpperStubs::Read(const std::string& record) {
  std::ifstream file(record, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return {};
    return MakeError(Errno{errno}, record);
  }
  struct stat st {};
  if (::stat(record.c_str(), &st) != 0) return MakeError(Errno{errno}, record);
  stubs_owner_ = {st.st_uid, st.st_gid};
  std::stringstream text;
  text << file.rdbuf();
  for (Stub& stub : ParseStubs(text.str())) {
    stubs_.insert_or_assign(stub.path.substr(1), stub);
    std::string parent = ParentPath(stub);
    stubs_in_[std::move(parent)].push_back(std::move(stub));
  }
  return {};
}

Result<bool> UpperStubs::IsStubOnly(const LayerRef& parent, const std::string& path) const {
  const auto recorded = stubs_.find(path);
  if (recorded == stubs_.end()) return false;
  const Stub& stub = recorded->second;
  const auto failed = [&](Errno e) { return MakeError(e, "\"/" + PrintablePath(path) + "\""); };
  const Sys<std::optional<LayerObject>> found =
      upper_.Lookup(parent, path.substr(path.rfind('/') + 1), 0);
  if (!found) return failed(found.error());
  if (!*found || (*found)->ref.id == Layer::kWhiteout) return true;
  const LayerObject& object = **found;
  const Attr& attr = object.attr;
  if (stub.directory != (attr.type == FileType::kDirectory)) return false;
  if (!stub.directory && (attr.type != FileType::kRegular || attr.size != 0)) return false;
  if (stub.made) {
    Sys<XattrList> xattrs = upper_.ListXattrs(object.ref);
    if (!xattrs) return failed(xattrs.error());
    StubState now{attr.mode, attr.mtime, XattrsHash(*std::move(xattrs)),
                  attr.uid == stubs_owner_.first, attr.gid == stubs_owner_.second};
    if (stub.directory) {
      VENEER_TRY(now.mtime, MtimeWithoutStubs(path, object));
    }
    if (!IsAsMade(stub, now)) return false;
  }
  if (!stub.directory) return true;
  std::vector<std::string> names;
  const Sys<void> listed =
      upper_.List(object.ref, [&](const LayerDirent& entry) { names.emplace_back(entry.name); });
  if (!listed) return failed(listed.error());
  for (const std::string& name : names) {
    VENEER_TRY(const bool only, IsStubOnly(object.ref, path + "/" + name));
    if (!only) return false;
  }
  return true;
}

Result<Timestamp> UpperStubs::MtimeWithoutStubs(const std::string& path,
                                                const LayerObject& directory) const {
  Timestamp mtime = directory.attr.mtime;
  const auto in = stubs_in_.find(path);
  if (in == stubs_in_.end()) return mtime;
  for (auto stub = in->second.rbegin(); stub != in->second.rend(); ++stub) {
    VENEER_TRY(const bool only, IsStubOnly(directory.ref, stub->path.substr(1)));
    if (only) mtime = MtimeWithout(*stub, mtime);
  }
  return mtime;
}

}  // namespace veneer
