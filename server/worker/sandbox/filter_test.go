//go:build linux && (amd64 || arm64)

package sandbox

import (
	"encoding/binary"
	"os"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// TestFilter has the filter judge calls that no program should make, or that differ from harmless
// ones in a bit.
func TestFilter(t *testing.T) {
	const high = 1 << 32 // what the kernel does not look at in an int
	allow, eperm, enosys := uint32(unix.SECCOMP_RET_ALLOW), fail(unix.EPERM), fail(unix.ENOSYS)
	errno := func(i bpf.Instruction) uint32 { return i.(bpf.RetConstant).Val }
	network := Access{Network: true}
	pid := uint64(os.Getpid())
	for _, tt := range []struct {
		name   string
		access Access
		arch   uint32
		number uint32
		args   []uint64
		want   uint32
	}{
		{"read", Access{}, architecture, unix.SYS_READ, nil, allow},
		{"other architecture", Access{}, architecture ^ 1, unix.SYS_READ, nil, errno(enosys)},
		{"read of x32", Access{}, architecture, 1<<30 | unix.SYS_READ, nil, errno(enosys)},
		{"the next call of Linux", Access{}, architecture, newest + 1, nil, errno(enosys)},
		{"-1", Access{}, architecture, 1<<32 - 1, nil, errno(enosys)},
		{"thread", Access{}, architecture, unix.SYS_CLONE,
			[]uint64{unix.CLONE_VM | unix.CLONE_SIGHAND | unix.CLONE_THREAD}, allow},
		{"fork", Access{}, architecture, unix.SYS_CLONE, []uint64{unix.CLONE_VM}, errno(eperm)},
		{"thread in a namespace", Access{}, architecture, unix.SYS_CLONE,
			[]uint64{unix.CLONE_THREAD | unix.CLONE_NEWNET}, errno(eperm)},
		{"clone3", Access{}, architecture, unix.SYS_CLONE3, nil, errno(enosys)},
		{"execve", Access{}, architecture, unix.SYS_EXECVE, nil, errno(eperm)},
		{"kill itself", Access{}, architecture, unix.SYS_KILL, []uint64{pid, 9}, allow},
		{"kill its group", Access{}, architecture, unix.SYS_KILL, []uint64{0, 9}, errno(eperm)},
		{"kill all", Access{}, architecture, unix.SYS_KILL, []uint64{1<<32 - 1, 9}, errno(eperm)},
		{"kill pid 1", Access{}, architecture, unix.SYS_KILL, []uint64{high | 1, 9}, errno(eperm)},
		{"F_GETFL", Access{}, architecture, unix.SYS_FCNTL, []uint64{5, unix.F_GETFL}, allow},
		{"F_SETOWN", Access{}, architecture, unix.SYS_FCNTL,
			[]uint64{5, unix.F_SETOWN}, errno(eperm)},
		{"F_SETOWN and rubbish", Access{}, architecture, unix.SYS_FCNTL,
			[]uint64{5, high | unix.F_SETOWN}, errno(eperm)},
		{"TIOCSTI and rubbish", Access{}, architecture, unix.SYS_IOCTL,
			[]uint64{0, high | unix.TIOCSTI}, errno(eperm)},
		{"its limits", Access{}, architecture, unix.SYS_PRLIMIT64,
			[]uint64{0, 7, 0, high | 8}, allow},
		{"other limits", Access{}, architecture, unix.SYS_PRLIMIT64,
			[]uint64{0, 7, high}, errno(eperm)},
		{"limits of another", Access{}, architecture, unix.SYS_PRLIMIT64,
			[]uint64{1, 7, 0}, errno(eperm)},
		{"utime of a path", Access{}, architecture, unix.SYS_UTIMENSAT,
			[]uint64{5, high}, errno(eperm)},
		{"map", Access{}, architecture, unix.SYS_MMAP, []uint64{0, 4096, unix.PROT_WRITE}, allow},
		{"map code", Access{}, architecture, unix.SYS_MMAP,
			[]uint64{0, 4096, unix.PROT_EXEC}, errno(eperm)},
		{"TCP", Access{}, architecture, unix.SYS_SOCKET,
			[]uint64{unix.AF_INET, unix.SOCK_STREAM}, errno(eperm)},
		{"TCP granted", network, architecture, unix.SYS_SOCKET,
			[]uint64{unix.AF_INET6, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, allow},
		{"packet", network, architecture, unix.SYS_SOCKET,
			[]uint64{unix.AF_PACKET, unix.SOCK_DGRAM}, errno(eperm)},
		{"SCTP", network, architecture, unix.SYS_SOCKET,
			[]uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP}, errno(eperm)},
		{"ping", network, architecture, unix.SYS_SOCKET,
			[]uint64{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, errno(eperm)},
		{"unix", network, architecture, unix.SYS_SOCKET,
			[]uint64{unix.AF_UNIX, unix.SOCK_STREAM}, errno(eperm)},
		{"unix granted", Access{Unix: []string{"x"}}, architecture, unix.SYS_SOCKET,
			[]uint64{unix.AF_UNIX, unix.SOCK_STREAM}, allow},
		{"unix datagram", Access{Unix: []string{"x"}}, architecture, unix.SYS_SOCKET,
			[]uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, errno(eperm)},
	} {
		vm, err := bpf.NewVM(tt.access.filter())
		if err != nil {
			t.Fatal(err)
		}
		// struct seccomp_data, in the byte order of packets, which the VM reads.
		data := make([]byte, 64)
		binary.BigEndian.PutUint32(data[0:], tt.number)
		binary.BigEndian.PutUint32(data[4:], tt.arch)
		for i, arg := range tt.args {
			binary.BigEndian.PutUint32(data[16+8*i:], uint32(arg))
			binary.BigEndian.PutUint32(data[20+8*i:], uint32(arg>>32))
		}
		if got, err := vm.Run(data); err != nil || uint32(got) != tt.want {
			t.Errorf("%s: got %#x, %v, want %#x", tt.name, got, err, tt.want)
		}
	}
}
