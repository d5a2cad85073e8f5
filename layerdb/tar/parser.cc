// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/parser.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "layerdb/base/parse.h"
#include "layerdb/base/zeros.h"

namespace veneer {

namespace {

// Types whose entry never has data, whatever its size field says (GNU tar, Go and libarchive
// agree).
bool IsHeaderOnly(char type) { return type >= '1' && type <= '6'; }

FileType TypeOf(char type) {
  switch (type) {
    case '2': return FileType::kSymlink;
    case '3': return FileType::kCharDevice;
    case '4': return FileType::kBlockDevice;
    case '5':
    case 'D': return FileType::kDirectory;
    case '6': return FileType::kFifo;
    // POSIX: a type nobody knows is a regular file.
    default: return FileType::kRegular;
  }
}

// A type of header that readers of image layers do not know (they know those of Go's archive/tar,
// without the ones of GNU's extras); empty: they do.
std::string PeculiarityOf(char type) {
  switch (type) {
    case '\0':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case 'x':
    case 'g':
    case 'L':
    case 'K': return {};
    case 'V': return "a volume label (tar -V)";
    case 'D': return "a directory of an incremental dump (tar -g)";
    case 'S': return "a sparse file in GNU's old form (tar -S)";
    case 'X': return "an extended header of Solaris";
    default: return std::string("an entry of type '") + type + "'";
  }
}

std::string_view UpToNul(std::string_view text) { return text.substr(0, text.find('\0')); }

}  // namespace

tl::unexpected<Error> TarParser::Damaged(std::string_view what) const {
  return MakeError("damaged archive at byte " + std::to_string(position_) + ": " +
                   std::string(what));
}

void TarParser::Consume(std::string_view* input, size_t size) {
  input->remove_prefix(size);
  position_ += size;
}

bool TarParser::FillBlock(std::string_view* input) {
  if (block_kept_) {
    block_kept_ = false;
    return true;
  }
  const size_t size = std::min(kTarBlock - block_fill_, input->size());
  std::memcpy(block_.data() + block_fill_, input->data(), size);
  block_fill_ += size;
  Consume(input, size);
  if (block_fill_ < kTarBlock) return false;
  block_fill_ = 0;
  return true;
}

Result<TarParser::Event> TarParser::Next(std::string_view* input) {
  for (;;) {
    switch (state_) {
      case State::kDone: Consume(input, input->size()); return Event::kNeedInput;
      case State::kSkip: {
        const auto size = static_cast<size_t>(std::min<uint64_t>(skip_left_, input->size()));
        Consume(input, size);
        skip_left_ -= size;
        if (skip_left_ > 0) return Event::kNeedInput;
        state_ = State::kHeader;
        break;
      }
      case State::kPayload: {
        if (stored_left_ > 0 && input->empty()) return Event::kNeedInput;
        return OnPayload(input);
      }
      case State::kSpecialBody: {
        const auto size = static_cast<size_t>(std::min<uint64_t>(special_left_, input->size()));
        special_body_.append(input->substr(0, size));
        Consume(input, size);
        special_left_ -= size;
        if (special_left_ > 0) return Event::kNeedInput;
        VENEER_TRY_VOID(OnSpecialBody());
        skip_left_ = TarPadding(special_body_.size());
        only_padding_ = false;
        state_ = State::kSkip;
        break;
      }
      case State::kHeader:
      case State::kMoreSparse:
      case State::kSparseMap:
      case State::kAfterLink: {
        if (!FillBlock(input)) return Event::kNeedInput;
        std::optional<Event> event;
        if (state_ == State::kHeader) {
          VENEER_TRY(event, OnHeader());
        } else if (state_ == State::kMoreSparse) {
          Result<bool> more = DecodeGnuSparseBlock(Block(), &entry_.extents);
          if (!more) return Damaged(more.error().message());
          if (entry_.extents.size() > kMaxExtents) return Damaged("too many sparse extents");
          if (!*more) {
            VENEER_TRY(event, StartSparse());
          }
        } else if (state_ == State::kSparseMap) {
          VENEER_TRY(event, OnSparseMapBlock());
        } else {
          // Data after a hard link: only POSIX.1-2001 writers put it there, and it is what the
          // link's target has already. What looks like a header is one: GNU tar and Go read it so.
          if (IsZero(Block()) || HasTarChecksum(Block())) {
            block_kept_ = true;
            state_ = State::kHeader;
          } else {
            skip_left_ = stored_left_ + TarPadding(stored_left_) - kTarBlock;
            only_padding_ = false;
            state_ = State::kSkip;
          }
          return Event::kEntryEnd;
        }
        if (event) return *event;
        break;
      }
    }
  }
}

Result<std::optional<TarParser::Event>> TarParser::OnHeader() {
  if (IsZero(Block())) {
    if (headers_in_a_row_ > 0) return Damaged("an extended header without an entry");
    any_header_ = true;
    state_ = State::kDone;
    return Event::kEnd;
  }
  if (!HasTarChecksum(Block())) {
    if (!any_header_) return MakeError("not a tar archive, or compressed in a way not known here");
    return Damaged("no valid header");
  }
  any_header_ = true;
  Result<TarBlock> block = DecodeTarBlock(Block());
  if (!block) return Damaged(block.error().message());
  if (peculiarity_.empty()) peculiarity_ = PeculiarityOf(block->type);
  switch (block->type) {
    case 'x':
    case 'X':
    case 'g':
    case 'L':
    case 'K':
    case 'V':  // GNU volume label
      // Of two of a kind in front of one entry, readers take the first, the last or both; Go
      // forgets what stood in front of a global header.
      if ((pax_ && (block->type == 'x' || block->type == 'X')) ||
          (long_name_ && block->type == 'L') || (long_link_ && block->type == 'K') ||
          (headers_in_a_row_ > 0 && block->type == 'g')) {
        return Damaged("extended headers that do not go together");
      }
      if (++headers_in_a_row_ > kMaxHeadersInARow) return Damaged("too many extended headers");
      if (block->size > (block->type == 'g' ? kMaxGlobalBody : kMaxHeaderBody)) {
        return Damaged("an extended header is too large");
      }
      if (block->type == 'V' && block->size > 0) {
        // GNU tar skips it, libarchive reads it as entries.
        return Damaged("a volume label with a body");
      }
      special_type_ = block->type;
      special_left_ = block->size;
      special_body_.clear();
      state_ = State::kSpecialBody;
      return std::nullopt;
    case 'A':
      // libarchive heeds it, GNU tar makes a file of it.
      return Damaged("an ACL in the form of Solaris is not supported");
    case 'M': return Damaged("an archive in several volumes is not supported");
    default: return OnEntryHeader(*std::move(block));
  }
}

Result<void> TarParser::OnSpecialBody() {
  switch (special_type_) {
    case 'L': long_name_ = UpToNul(special_body_); break;
    case 'K': long_link_ = UpToNul(special_body_); break;
    case 'g':
    case 'x':
    case 'X': {
      PaxAttributes* pax = &global_;
      if (special_type_ == 'g') {
        // A global header is not in front of one entry; an archive may end after it.
        --headers_in_a_row_;
      } else {
        if (!pax_) pax_ = global_;
        pax = &*pax_;
      }
      Result<void> parsed = ParsePax(special_body_, pax);
      if (!parsed) return Damaged(parsed.error().message());
      if (pax->sparse_map.size() > kMaxExtents) return Damaged("too many sparse extents");
      if (special_type_ == 'g' &&
          (pax->sparse || pax->sparse_name || pax->real_size || pax->path || pax->linkpath ||
           pax->size || pax->acl_access || pax->acl_default || !pax->xattrs.empty())) {
        // One record would count for every entry that follows: the archive would not pay for it,
        // and GNU tar and Python heed what libarchive and Go do not.
        return Damaged("a global PAX header with records of a single file");
      }
      break;
    }
    case 'V': --headers_in_a_row_; break;
    default: break;
  }
  return {};
}

Result<void> TarParser::ApplyPax(const PaxAttributes& pax, TarBlock* block) {
  auto name = [&](const std::optional<std::string>& from_pax,
                  const std::optional<std::string>& from_gnu, std::string* out) {
    // Readers differ in which of the two wins.
    if (from_pax && from_gnu && *from_pax != *from_gnu) return false;
    if (from_pax || from_gnu) *out = from_pax ? *from_pax : *from_gnu;
    return true;
  };
  const std::optional<std::string>& path = pax.sparse_name ? pax.sparse_name : pax.path;
  if (!name(path, long_name_, &block->name) || !name(pax.linkpath, long_link_, &block->link)) {
    return Damaged("a PAX name and a GNU long name that differ");
  }
  if (pax.size) {
    // libarchive takes these bytes for data; GNU tar and Go do not.
    if (block->type >= '2' && block->type <= '6' && *pax.size > 0) {
      return Damaged("a size of what is no regular file");
    }
    block->size = *pax.size;
  }
  if (pax.uid) block->uid = *pax.uid;
  if (pax.gid) block->gid = *pax.gid;
  if (pax.devmajor) block->major = *pax.devmajor;
  if (pax.devminor) block->minor = *pax.devminor;
  if (pax.uname) block->user = *pax.uname;
  if (pax.gname) block->group = *pax.gname;
  return {};
}

Result<std::optional<TarParser::Event>> TarParser::OnEntryHeader(TarBlock block) {
  const std::optional<PaxAttributes> own = std::exchange(pax_, std::nullopt);
  const PaxAttributes& pax = own ? *own : global_;
  // Of the header too when a record takes its place: libarchive looks at both.
  constexpr uint64_t kMaxSize = std::numeric_limits<int64_t>::max() - 2 * kTarBlock;
  if (std::max(block.size, pax.size.value_or(0)) > kMaxSize) return Damaged("an impossible size");
  const bool has_target = !block.link.empty();
  VENEER_TRY_VOID(ApplyPax(pax, &block));
  long_name_.reset();
  long_link_.reset();
  headers_in_a_row_ = 0;

  entry_ = TarEntry{};
  extent_ = 0;
  extent_done_ = 0;
  entry_.path = std::move(block.name);
  entry_.link = std::move(block.link);
  entry_.user = std::move(block.user);
  entry_.group = std::move(block.group);
  entry_.xattrs = pax.xattrs;
  entry_.acl_access = pax.acl_access;
  entry_.acl_default = pax.acl_default;
  entry_.hard_link = block.type == '1';
  if (entry_.hard_link && entry_.link.empty()) return Damaged("a hard link to nothing");
  if (entry_.hard_link && !has_target && block.size > 0) {
    // A regular file for libarchive, which misses a target that stands in an extended header alone.
    return Damaged("a hard link with contents and no target in its header");
  }
  Attr& attr = entry_.attr;
  attr.type = TypeOf(block.type);
  attr.mode = block.mode;
  constexpr uint64_t kMaxId = std::numeric_limits<uint32_t>::max() - 1;
  if (block.uid > kMaxId || block.gid > kMaxId) return Damaged("an owner beyond 32 bits");
  constexpr uint64_t kMaxDevice = std::numeric_limits<uint32_t>::max();
  if (block.major > kMaxDevice || block.minor > kMaxDevice) {
    return Damaged("a device number beyond 32 bits");
  }
  attr.uid = static_cast<uint32_t>(block.uid);
  attr.gid = static_cast<uint32_t>(block.gid);
  if (attr.type == FileType::kCharDevice || attr.type == FileType::kBlockDevice) {
    attr.rdev_major = static_cast<uint32_t>(block.major);
    attr.rdev_minor = static_cast<uint32_t>(block.minor);
  }
  attr.mtime = pax.mtime ? *pax.mtime : Timestamp{block.mtime, 0};

  stored_left_ = block.size;
  skip_left_ = TarPadding(block.size);
  if (attr.type == FileType::kRegular && !entry_.hard_link && entry_.path.ends_with('/')) {
    // How v7 wrote directories. libarchive takes what is behind one for headers, GNU tar and Go for
    // its contents.
    if (block.size > 0) return Damaged("a directory with contents");
    attr.type = FileType::kDirectory;
  }
  const bool regular = attr.type == FileType::kRegular && !entry_.hard_link;
  if ((pax.sparse || pax.sparse_name || pax.real_size) &&
      (!regular || (block.type == 'S' && (pax.sparse || pax.sparse_name)))) {
    // libarchive stops here; for the others the name may be one of a directory.
    return Damaged("records of a sparse file that is none");
  }
  if (IsHeaderOnly(block.type)) {
    skip_left_ = 0;
    if (!entry_.hard_link) stored_left_ = 0;
    if (attr.type == FileType::kSymlink) attr.size = entry_.link.size();
    state_ = entry_.hard_link && stored_left_ > 0 ? State::kAfterLink : State::kPayload;
    return Event::kEntry;
  }
  if (attr.type != FileType::kRegular) {
    // A directory with a body (GNU incremental dumps list their names there).
    skip_left_ += stored_left_;
    stored_left_ = 0;
    state_ = State::kPayload;
    return Event::kEntry;
  }
  attr.size = block.size;
  if (block.type == 'S') {
    entry_.sparse = true;
    entry_.extents = std::move(block.sparse);
    attr.size = block.real_size;
    if (pax.real_size && *pax.real_size != attr.size) return Damaged("a sparse file of two sizes");
    if (block.sparse_continues) {
      state_ = State::kMoreSparse;
      return std::nullopt;
    }
    return StartSparse();
  }
  if (pax.sparse) {
    entry_.sparse = true;
    if (!pax.real_size) return Damaged("a sparse file without its size");
    // Docker and containers/storage read it, and cannot write the layer again.
    if (peculiarity_.empty() && *pax.real_size < block.size + kMinHoles) {
      peculiarity_ = "a sparse file (tar -S)";
    }
    attr.size = *pax.real_size;
    if (pax.sparse_major == 1 && pax.sparse_minor == 0) {
      sparse_text_.clear();
      sparse_lines_ = 0;
      state_ = State::kSparseMap;
      return std::nullopt;
    }
    if (pax.sparse_major != 0) return Damaged("a sparse format not known here");
    entry_.extents = pax.sparse_map;
    return StartSparse();
  }
  if (pax.sparse_name || (pax.real_size && *pax.real_size != block.size)) {
    return Damaged("a file of two names or sizes, and no sparse map");
  }
  return StartPayload();
}

Result<std::optional<TarParser::Event>> TarParser::OnSparseMapBlock() {
  if (stored_left_ < kTarBlock) return Damaged("a sparse map that is cut short");
  stored_left_ -= kTarBlock;
  sparse_text_.append(Block());
  if (sparse_text_.size() > kMaxHeaderBody) return Damaged("a sparse map is too large");
  // Decimal numbers, one a line: how many extents, then offset and size of each, padded to a block.
  // Blocks are read until all lines are there, and parsed once, so that a long map costs no more
  // than its length.
  sparse_lines_ += static_cast<uint64_t>(std::count(Block().begin(), Block().end(), '\n'));
  std::string_view rest = sparse_text_;
  const auto number = [&](uint64_t* out) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos || !ParseNumber(rest.substr(0, end), out)) return false;
    rest.remove_prefix(end + 1);
    return true;
  };
  uint64_t count = 0;
  if (!number(&count)) return Damaged("a malformed sparse map");
  if (count > kMaxExtents) return Damaged("too many sparse extents");
  if (sparse_lines_ < 2 * count + 1) return std::nullopt;
  for (uint64_t i = 0; i < count; ++i) {
    SparseExtent extent;
    if (!number(&extent.offset) || !number(&extent.size)) return Damaged("a malformed sparse map");
    entry_.extents.push_back(extent);
  }
  return StartSparse();
}

Result<void> TarParser::CheckExtents() const {
  uint64_t end = 0;
  uint64_t total = 0;
  for (const SparseExtent& extent : entry_.extents) {
    if (extent.offset < end || extent.size > entry_.attr.size ||
        extent.offset > entry_.attr.size - extent.size) {
      return Damaged("sparse extents that overlap or lie outside the file");
    }
    end = extent.offset + extent.size;
    total += extent.size;
  }
  // libarchive would take what is beyond the map for the next header; Go refuses it too.
  if (total != stored_left_) return Damaged("a sparse file with other data than its map says");
  return {};
}

Result<std::optional<TarParser::Event>> TarParser::StartSparse() {
  constexpr uint64_t kMaxSize = std::numeric_limits<int64_t>::max() - 1;
  if (entry_.attr.size > kMaxSize) return Damaged("an impossible size");
  if (entry_.extents.size() > kMaxExtents) return Damaged("too many sparse extents");
  VENEER_TRY_VOID(CheckExtents());
  std::erase_if(entry_.extents, [](const SparseExtent& e) { return e.size == 0; });
  return StartPayload();
}

TarParser::Event TarParser::StartPayload() {
  if (!entry_.sparse && stored_left_ > 0) entry_.extents.push_back({0, stored_left_});
  state_ = State::kPayload;
  return Event::kEntry;
}

TarParser::Event TarParser::OnPayload(std::string_view* input) {
  if (extent_ == entry_.extents.size()) {
    only_padding_ = skip_left_ < kTarBlock;
    state_ = State::kSkip;
    return Event::kEntryEnd;
  }
  const SparseExtent& extent = entry_.extents[extent_];
  const auto size =
      static_cast<size_t>(std::min<uint64_t>(extent.size - extent_done_, input->size()));
  data_ = input->substr(0, size);
  data_offset_ = extent.offset + extent_done_;
  Consume(input, size);
  stored_left_ -= size;
  extent_done_ += size;
  if (extent_done_ == extent.size) {
    ++extent_;
    extent_done_ = 0;
  }
  return Event::kData;
}

uint64_t TarParser::SkipData() {
  if (state_ != State::kPayload) return 0;  // what is behind a hard link may be a header
  const uint64_t size = stored_left_ + skip_left_;
  position_ += size;
  stored_left_ = 0;
  skip_left_ = 0;
  state_ = State::kHeader;
  return size;
}

Result<void> TarParser::Finish() const {
  if (state_ == State::kDone) return {};
  if (!any_header_) {
    return MakeError(position_ == 0 ? "the archive is empty (not even an end mark)"
                                    : "not a tar archive, or compressed in a way not known here");
  }
  // Some writers leave the end mark out, and `umoci insert` what fills the last block too; then the
  // last entry must be whole.
  if (state_ == State::kHeader && block_fill_ == 0 && headers_in_a_row_ == 0) return {};
  if (state_ == State::kSkip && only_padding_) return {};
  return MakeError("the archive is cut short at byte " + std::to_string(position_));
}

}  // namespace veneer
