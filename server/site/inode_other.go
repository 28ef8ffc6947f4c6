//go:build !unix

package site

import "io/fs"

// inode is 0: this system has none.
func inode(fs.FileInfo) uint64 { return 0 }
