package site

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// A fileStamp knows what files looked like, without a look at what is in them. It is safe for concurrent
// use.
type fileStamp struct {
	mu         sync.Mutex
	used, last string // when they were read, and when they were looked at
}

// note notes what the files look like, which are about to be read.
func (f *fileStamp) note(names ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used = stampOf(names)
	f.last = f.used
}

// changed reports whether the files look otherwise than those that were read, and as at the last look: whoever
// writes them, one after the other, has ended. What it has reported counts as read.
func (f *fileStamp) changed(names ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := stampOf(names)
	settled := now == f.last
	f.last = now
	if !settled || now == f.used {
		return false
	}
	f.used = now
	return true
}

// stampOf is what files look like. One that is away looks like itself, too.
func stampOf(names []string) string {
	var b strings.Builder
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			fmt.Fprint(&b, info.ModTime().UnixNano(), info.Size(), info.Mode())
			fmt.Fprint(&b, inode(info))
		}
		b.WriteByte(';')
	}
	return b.String()
}
