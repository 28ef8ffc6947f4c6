package main

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// heapFloor is how much garbage a server may make before it is collected, however little it holds.
// Go collects when the heap has doubled: a server that holds 5 MB and makes 300 MB a second would
// spend a fifth of its time on that.
const heapFloor = 32 << 20

// floorHeap returns memory that counts as held for as long as it is referred to, and that is never
// touched, so that the system need not have any for it. Whoever sets GOGC or GOMEMLIMIT decides
// about garbage, and gets none; nor does a process of whose memory it would be much.
func floorHeap() []byte {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" ||
		debug.SetMemoryLimit(-1) < 16*heapFloor {
		return nil
	}
	return make([]byte, heapFloor)
}

// limitMemory makes nine tenths of what the control groups of the process allow the limit that
// GOMEMLIMIT would be: a container has one, and the kernel kills who goes beyond it.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit := groupLimit(os.DirFS("/")); limit < math.MaxInt64 {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// groupLimit returns how much memory the control groups allow that the process is in, of version 1
// and 2; MaxInt64 if they set no bound, or there are none. In a container the file system shows the
// group of the container as the root of all.
func groupLimit(fsys fs.FS) int64 {
	least := int64(math.MaxInt64)
	groups, err := fs.ReadFile(fsys, "proc/self/cgroup")
	if err != nil {
		return least
	}
	for line := range strings.Lines(string(groups)) {
		// cgroups(7): hierarchy-ID:controller-list:cgroup-path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		root, name := "sys/fs/cgroup", "memory.max"
		if parts[1] == "memory" {
			root, name = root+"/memory", "memory.limit_in_bytes"
		} else if parts[1] != "" {
			continue
		}
		for dir := path.Join("/", parts[2]); ; dir = path.Dir(dir) {
			text, err := fs.ReadFile(fsys, path.Join(root, dir, name))
			n, notNumber := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err == nil && notNumber == nil && n > 0 && n < unlimited {
				least = min(least, n)
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// unlimited is what version 1 says where there is no bound, or less: pages, as many as fit.
const unlimited = math.MaxInt64 &^ (1<<20 - 1)
