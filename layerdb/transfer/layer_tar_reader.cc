// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_tar_reader.h"

#include <algorithm>

#include "layerdb/base/log.h"
#include "layerdb/base/printable.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/tar/acl_text.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/names.h"

namespace veneer {

namespace {

// Owners' names kept for ACLs; an archive with more different ones gets no more of them resolved.
constexpr size_t kMaxNames = 65536;

}  // namespace

tl::unexpected<Error> LayerTarReader::InEntry(Error error) const {
  return tl::unexpected(
      std::move(error).Context("entry \"" + PrintablePath(parser_.entry().path) + "\""));
}

Result<void> LayerTarReader::Read(const SharedBytes& slice) {
  std::string_view rest = slice.bytes;
  for (;;) {
    const std::string_view before = rest;
    VENEER_TRY(const TarParser::Event event, parser_.Next(&rest));
    std::string_view taken = before.substr(0, before.size() - rest.size());
    const bool data = event == TarParser::Event::kData;
    if (data) taken.remove_suffix(parser_.data().size());
    VENEER_TRY_VOID(layer_.tar_split().Raw(taken));
    Result<void> done;
    switch (event) {
      case TarParser::Event::kNeedInput: return {};
      case TarParser::Event::kEnd: break;
      case TarParser::Event::kEntry: done = OnEntry(); break;
      case TarParser::Event::kData: done = OnData({slice.keep, parser_.data()}); break;
      case TarParser::Event::kEntryEnd: done = OnEntryEnd(); break;
    }
    if (!done) return InEntry(std::move(done).error());
  }
}

Result<void> LayerTarReader::Finish(bool may_be_nothing) {
  if (parser_.position() > 0 || !may_be_nothing) VENEER_TRY_VOID(parser_.Finish());
  return ResolveAcls();
}

std::string LayerTarReader::peculiarity() const {
  if (!parser_.peculiarity().empty()) return parser_.peculiarity();
  return layer_.tree().has_repeats() ? "a name several times (tar -r)" : "";
}

Result<void> LayerTarReader::OnEntry() {
  storing_ = Storing::kNot;
  const TarEntry& entry = parser_.entry();
  VENEER_TRY(const LayerName name, ParseLayerName(entry.path));
  switch (name.kind) {
    case LayerName::Kind::kIgnored: return {};
    case LayerName::Kind::kWhiteout: return layer_.tree().AddWhiteout(name.path);
    case LayerName::Kind::kOpaque: return layer_.tree().MakeOpaque(name.path);
    case LayerName::Kind::kObject: return AddObject(name);
  }
  return {};
}

Result<void> LayerTarReader::AddObject(const LayerName& name) {
  TarEntry& entry = parser_.entry();
  if (entry.hard_link) {
    VENEER_TRY(const TreePath target, ParseTarPath(entry.link, kMaxName));
    return layer_.tree().AddHardLink(name.path, target);
  }
  TreeBuilder::Object object;
  object.attr = entry.attr;
  object.xattrs = std::move(entry.xattrs);
  // What no file system of Linux can hold (xattr(7)) is in archives of other systems.
  std::erase_if(object.xattrs,
                [&](const Xattr& xattr) { return !CanHaveXattr(entry.attr.type, xattr.first); });
  const size_t waiting = waiting_acls_.size();
  VENEER_TRY_VOID(ReadAcls(&entry, &object));
  // It only takes away what other readers let the object inherit.
  std::erase_if(object.xattrs, [](const Xattr& xattr) {
    return (xattr.first == kAclAccess || xattr.first == kAclDefault) && xattr.second == kEmptyAcl;
  });
  if (entry.attr.type == FileType::kSymlink) object.target = entry.link;
  const bool has_content = entry.attr.type == FileType::kRegular && entry.attr.size > 0;
  if (has_content) {
    VENEER_TRY(content_, layer_.NewContent(entry.attr.size));
    object.content = content_;
  }
  VENEER_TRY(const TreeBuilder::Node node, layer_.tree().Add(name.path, object));
  for (size_t i = waiting; i < waiting_acls_.size(); ++i) waiting_acls_[i].node = node;
  if (!has_content) return {};
  layer_.SetOwner(content_, node);
  if (entry.attr.size <= (entry.sparse ? StoreWriter::kInlineLimit : ContentWriters::kWholeLimit)) {
    storing_ = Storing::kWhole;
    slices_.clear();
    pieces_.clear();
  } else {
    VENEER_TRY(writer_, store_writer_.NewObject(entry.attr.size));
    storing_ = Storing::kStream;
  }
  return {};
}

Result<void> LayerTarReader::OnData(const SharedBytes& slice) {
  const uint64_t offset = parser_.data_offset();
  if (storing_ == Storing::kNot) return layer_.tar_split().Raw(slice.bytes);
  VENEER_TRY_VOID(layer_.tar_split().Data(offset, slice.bytes.size()));
  if (storing_ == Storing::kWhole) {
    slices_.push_back(slice);
    pieces_.emplace_back(offset, slice.bytes.size());
    return {};
  }
  if (offset > writer_->size()) VENEER_TRY_VOID(writer_->Hole(offset - writer_->size()));
  return writer_->Write(slice.bytes);
}

std::string LayerTarReader::WholeBytes() const {
  std::string bytes(static_cast<size_t>(parser_.entry().attr.size), '\0');
  for (size_t i = 0; i < slices_.size(); ++i) {
    std::copy(slices_[i].bytes.begin(), slices_[i].bytes.end(),
              bytes.begin() + static_cast<ptrdiff_t>(pieces_[i].first));
  }
  return bytes;
}

Result<void> LayerTarReader::OnEntryEnd() {
  const uint64_t size = parser_.entry().attr.size;
  switch (std::exchange(storing_, Storing::kNot)) {
    case Storing::kNot: return {};
    case Storing::kWhole:
      if (size <= StoreWriter::kPackLimit) return layer_.SetSmall(content_, WholeBytes());
      return writers_.Submit(content_, std::exchange(slices_, {}));
    case Storing::kStream: break;
  }
  if (size > writer_->size()) VENEER_TRY_VOID(writer_->Hole(size - writer_->size()));
  VENEER_TRY(const ObjectRef ref, writer_->Finish());
  layer_.SetObject(content_, ref, writer_->blocks());
  writer_.reset();
  return {};
}

Result<void> LayerTarReader::ReadAcls(TarEntry* entry, TreeBuilder::Object* object) {
  if (ids_.size() < kMaxNames) {
    const auto learn = [&](bool user, const std::string& name, uint32_t id) {
      if (!name.empty() && name.size() <= kMaxName) ids_.insert_or_assign({user, name}, id);
    };
    learn(true, entry->user, entry->attr.uid);
    learn(false, entry->group, entry->attr.gid);
  }
  auto read = [&](std::optional<std::string>* text, std::string_view xattr) -> Result<void> {
    if (!*text) return {};
    // GNU tar writes an ACL in both forms. The attribute has ids, which need no one who knows them.
    const bool told =
        std::ranges::any_of(object->xattrs, [&](const Xattr& one) { return one.first == xattr; });
    if (told) return {};
    bool unknown = false;
    VENEER_TRY(
        std::string value,
        AclFromText(**text, [&](bool user, std::string_view name) -> std::optional<uint32_t> {
          const auto found = ids_.find({user, std::string(name)});
          if (found != ids_.end()) return found->second;
          // Read again when all names are known.
          unknown = true;
          return std::nullopt;
        }));
    if (unknown) {
      VENEER_TRY_VOID(layer_.tree().Charge((*text)->size()));
      waiting_acls_.push_back({TreeBuilder::kNoNode, xattr, *std::move(*text)});
    } else if (!value.empty()) {
      object->xattrs.emplace_back(xattr, std::move(value));
    }
    return {};
  };
  if (entry->attr.type == FileType::kSymlink) return {};  // Linux has none
  VENEER_TRY_VOID(read(&entry->acl_access, kAclAccess));
  // The kernel knows default ACLs of directories only.
  if (entry->attr.type != FileType::kDirectory) return {};
  return read(&entry->acl_default, kAclDefault);
}

Result<void> LayerTarReader::ResolveAcls() {
  std::set<std::pair<bool, std::string>>
      unknown;  // each is told once, however many entries name it
  for (const WaitingAcl& acl : waiting_acls_) {
    VENEER_TRY(
        std::string value,
        AclFromText(acl.text, [&](bool user, std::string_view name) -> std::optional<uint32_t> {
          const auto found = ids_.find({user, std::string(name)});
          if (found != ids_.end()) return found->second;
          if (unknown.size() < kMaxNames && unknown.emplace(user, name).second) {
            LogWarning("an ACL names " + std::string(user ? "user \"" : "group \"") +
                       PrintablePath(name) + "\" without an id; that entry is left out");
          }
          return std::nullopt;
        }));
    if (!value.empty()) VENEER_TRY_VOID(layer_.tree().SetXattr(acl.node, acl.xattr, value));
  }
  return {};
}

}  // namespace veneer
