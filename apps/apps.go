// Package apps holds applications and middleware written as .star files, embedded in the binary.
package apps

import "embed"

//go:embed *.star
var FS embed.FS
