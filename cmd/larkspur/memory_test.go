package main

import (
	"math"
	"testing"
	"testing/fstest"
)

// TestHeapFloor leaves the garbage to whoever has said something about it.
func TestHeapFloor(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	if n := len(floorHeap()); n != heapFloor {
		t.Errorf("%d bytes count as held, want %d", n, heapFloor)
	}
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "1GiB")
			if n := len(floorHeap()); n != 0 {
				t.Errorf("%d bytes count as held all the same", n)
			}
		})
	}
}

// TestGroupLimit reads what systems say of control groups.
func TestGroupLimit(t *testing.T) {
	const none = math.MaxInt64
	for _, test := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no groups", nil, none},
		{"version 2", map[string]string{
			"proc/self/cgroup":                           "0::/a.slice/b.service\n",
			"sys/fs/cgroup/a.slice/memory.max":           "1000\n",
			"sys/fs/cgroup/a.slice/b.service/memory.max": "max\n"}, 1000},
		{"version 2 in a container", map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "2000\n"}, 2000},
		{"a container that sees the path outside", map[string]string{
			"proc/self/cgroup": "0::/docker/1234\n", "sys/fs/cgroup/memory.max": "3000\n"}, 3000},
		{"version 1", map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/a\n0::/\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n"}, 4000},
		{"version 1 without a bound", map[string]string{
			"proc/self/cgroup":                           "4:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, none},
		{"nonsense", map[string]string{
			"proc/self/cgroup": "\n::\n0::../..\n4:memory\n", "sys/fs/cgroup/memory.max": "-1"}, none},
	} {
		fsys := make(fstest.MapFS)
		for name, text := range test.files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := groupLimit(fsys); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}
