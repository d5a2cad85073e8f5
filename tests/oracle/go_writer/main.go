// SPDX-License-Identifier: Apache-2.0

// Writes entries of archives as Go's archive/tar does, which Docker, podman, BuildKit and Kaniko
// write with.
//
// Each line of standard input is an entry as JSON, bytes in base64; the answer on standard output
// is a line of base64: the blocks of the entry without an end mark, or nothing where Go refuses to
// write it.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

type entry struct {
	Name, Link, User, Group, Data []byte
	Kind                          byte
	Mode, Major, Minor            int64
	Uid, Gid                      int
	Seconds, Nanoseconds          int64
	Xattrs                        map[string][]byte
	Format                        int
}

func write(line []byte) ([]byte, error) {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	header := tar.Header{Typeflag: e.Kind, Name: string(e.Name), Linkname: string(e.Link), Size: int64(len(e.Data)), Mode: e.Mode,
		Uid: e.Uid, Gid: e.Gid, Uname: string(e.User), Gname: string(e.Group), ModTime: time.Unix(e.Seconds, e.Nanoseconds),
		Devmajor: e.Major, Devminor: e.Minor, Format: tar.Format(e.Format)}
	for name, value := range e.Xattrs {
		if header.PAXRecords == nil {
			header.PAXRecords = map[string]string{}
		}
		header.PAXRecords["SCHILY.xattr."+name] = string(value)
	}
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	if err := writer.WriteHeader(&header); err != nil {
		return nil, err
	}
	if _, err := writer.Write(e.Data); err != nil {
		return nil, err
	}
	err := writer.Flush()
	return out.Bytes(), err
}

func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		blocks, err := write(line)
		if err != nil {
			blocks = nil
		}
		fmt.Println(base64.StdEncoding.EncodeToString(blocks))
	}
}
