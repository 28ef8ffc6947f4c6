package static

import (
	"io/fs"
	"syscall"
	"time"
)

// identity tells a file of the system from all others, also of other trees and generations, and
// when anything of it changed, which no program can set. It reports false for other files.
func identity(info fs.FileInfo) (key any, changed time.Time, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, time.Time{}, false
	}
	return [2]uint64{s.Dev, s.Ino}, time.Unix(s.Ctim.Unix()), true
}
