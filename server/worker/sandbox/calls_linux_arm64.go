package sandbox

import "golang.org/x/sys/unix"

const architecture = unix.AUDIT_ARCH_AARCH64

// legacy are the calls that arm64 has under a name of its own.
var legacy = []uint32{unix.SYS_FSTATAT}
