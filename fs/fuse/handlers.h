// SPDX-License-Identifier: Apache-2.0
//
// The handlers of requests. They translate; UnionFs decides and acts. operations.h says which
// request goes to which handler. Each is in the file named above it.
#ifndef VENEER_FS_FUSE_HANDLERS_H_
#define VENEER_FS_FUSE_HANDLERS_H_

#include "fs/fuse/operations.h"
#include "fs/fuse/request.h"

namespace veneer::serve {

// ops_names.cc
void Lookup(Request& r, fuse_ino_t parent, const char* name);
void Forget(Request& r, fuse_ino_t node, uint64_t references);
void ForgetMulti(Request& r, size_t count, fuse_forget_data* forgets);
void MakeNode(Request& r, fuse_ino_t parent, const char* name, mode_t mode, dev_t rdev);
void MakeDirectory(Request& r, fuse_ino_t parent, const char* name, mode_t mode);
void MakeSymlink(Request& r, const char* target, fuse_ino_t parent, const char* name);
void Link(Request& r, fuse_ino_t node, fuse_ino_t new_parent, const char* new_name);
void Unlink(Request& r, fuse_ino_t parent, const char* name);
void RemoveDirectory(Request& r, fuse_ino_t parent, const char* name);
void Rename(Request& r, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags);

// ops_attributes.cc
void GetAttr(Request& r, fuse_ino_t node, fuse_file_info* file);
void SetAttr(Request& r, fuse_ino_t node, struct stat* wanted, int valid, fuse_file_info* file);
void ReadLink(Request& r, fuse_ino_t node);
void StatFs(Request& r, fuse_ino_t node);
void Ioctl(Request& r, fuse_ino_t node, unsigned command, void* arg, fuse_file_info* file,
           unsigned flags, const void* in, size_t in_size, size_t out_size);

// ops_xattrs.cc
void GetXattr(Request& r, fuse_ino_t node, const char* name, size_t size);
void ListXattr(Request& r, fuse_ino_t node, size_t size);
void SetXattr(Request& r, fuse_ino_t node, const char* name, const char* value, size_t size,
              int flags);
void RemoveXattr(Request& r, fuse_ino_t node, const char* name);

// ops_contents.cc
void Open(Request& r, fuse_ino_t node, fuse_file_info* file);
void Release(Request& r, fuse_ino_t node, fuse_file_info* file);
void Read(Request& r, fuse_ino_t node, size_t size, off_t offset, fuse_file_info* file);
void Write(Request& r, fuse_ino_t node, const char* data, size_t size, off_t offset,
           fuse_file_info* file);
void Allocate(Request& r, fuse_ino_t node, int mode, off_t offset, off_t length,
              fuse_file_info* file);
void Seek(Request& r, fuse_ino_t node, off_t offset, int whence, fuse_file_info* file);
void CopyRange(Request& r, fuse_ino_t from, off_t from_offset, fuse_file_info* from_file,
               fuse_ino_t to, off_t to_offset, fuse_file_info* to_file, size_t size, int flags);
void Sync(Request& r, fuse_ino_t node, int data_only, fuse_file_info* file);

// ops_directories.cc
void OpenDir(Request& r, fuse_ino_t node, fuse_file_info* file);
void ReadDir(Request& r, fuse_ino_t node, size_t size, off_t offset, fuse_file_info* file);
void ReadDirPlus(Request& r, fuse_ino_t node, size_t size, off_t offset, fuse_file_info* file);

// open_requests.cc; with io=passthrough the first two.
void OpenPassed(const Mount& mount, const RawRequest& request);
void ReleasePassed(const Mount& mount, const RawRequest& request);
void Create(const Mount& mount, const RawRequest& request);
void MakeTmpFile(const Mount& mount, const RawRequest& request);

// statx_request.cc
void Statx(const Mount& mount, const RawRequest& request);

// raw_protocol.cc
void Interrupt(const Mount& mount, const RawRequest& request);
void SyncFs(const Mount& mount, const RawRequest& request);

}  // namespace veneer::serve

#endif  // VENEER_FS_FUSE_HANDLERS_H_
