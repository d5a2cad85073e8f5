// SPDX-License-Identifier: Apache-2.0
#include "fs/options/help.h"

namespace veneer {

std::string HelpText() {
  return R"(usage: veneerfs [-f] -o lowerdir=TOP:...:BOTTOM[,option...] [SOURCE] MOUNTPOINT

Mounts layers as one tree. With an upper directory the tree can be changed; the
layers below never are. Unmount with: fusermount3 -u MOUNTPOINT

options:
  -o OPTION[,OPTION...]    mount options, see below; may be given several times
  -f                       stay in the foreground
  -d, --debug              print every request; implies -f
  -r                       read-only, like -o ro
  -w                       writable, like -o rw
  -h, --help               print this help
  -V, --version            print the versions of veneerfs and libfuse

layers and directories:
  lowerdir=A:B:...         layers, top first: directories, or files of indexes
  upperdir=DIR             receives all changes; without it: read-only
  workdir=DIR              empty directory on the file system of upperdir
  objects=DIR              where the contents of sealed layer indexes are

In these values, \: \, and \\ stand for the characters themselves; a value with
commas may be put in double quotes.

behaviour of the tree:
  volatile                 never wait for the disk: fast, lost after a crash
  fsync=on|off             off: fsync(2) returns at once (default on)
  noacl, acl               without or with POSIX ACLs (default with)
  noxattrs                 no extended attributes, and no ACLs
  static_nlink             every directory has one link
  xino=auto|on|off         off: numbers of files on several file systems are
                           hashes of 62 bits (default auto: 32 bits)
  redirect_dir=on|off      off: renaming a lower directory fails (default on)
  metacopy=on|off          off: chmod and chown copy contents too (default on)
  xattr_permissions=0|1|2  1, 2: keep owner and mode of new files in an xattr
  uidmapping=DISK:MOUNT:COUNT[:...]
  gidmapping=DISK:MOUNT:COUNT[:...]
                           ids on disk are other ids in the mount
  squash_to_root           show everything as owned by root
  squash_to_uid=UID        show everything as owned by this user
  squash_to_gid=GID        show everything as owned by this group

options of the mount:
  ro, rw                   read-only or writable
  suid, nosuid, dev, nodev, exec, noexec,
  sync, async, dirsync     as mount(8) says; as root suid, dev are the default
  diratime, nodiratime     change nothing
  allow_other              other users may look in (default as root)
  allow_root               root may look in
  default_permissions      always on
  auto_unmount             unmount when the daemon dies
  context=LABEL            SELinux label of every file
  fsname=NAME              the source in the list of mounts (default veneerfs)
  subtype=NAME             the type is fuse.NAME (default veneerfs)

requests and caching:
  timeout=SECONDS          how long the kernel may cache answers (for ever)
  cache=always|none        the same as a word
  io=auto|cached|passthrough
                           how contents are read and written (default auto)
  debug                    like -d

Unknown options are ignored with a warning.
)";
}

std::string VersionText(const std::string& libfuse) {
  return std::string("veneerfs ") + VENEER_VERSION + "\nlibfuse " + libfuse + "\n";
}

}  // namespace veneer
