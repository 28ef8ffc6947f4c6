//go:build linux

package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A census is what a process has.
type census struct {
	Goroutines map[string]int // by their stacks
	Files      map[string]int // descriptors, by what they are of
	Heap       int64          // bytes that are live
	Resident   int64          // bytes
}

// takeCensus counts what this process has.
func takeCensus() census {
	c := census{Goroutines: stacks(), Files: make(map[string]int)}
	runtime.GC()
	runtime.GC() // which frees what the first has had finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.Heap = int64(m.HeapAlloc)
	names := sockets()
	open, _ := os.ReadDir("/proc/self/fd") // none is there without /proc
	for _, f := range open {
		target, err := os.Readlink("/proc/self/fd/" + f.Name())
		if err != nil || strings.HasSuffix(target, "/fd") {
			continue // that of ReadDir
		}
		if name, ok := names[target]; ok {
			target = name
		}
		c.Files[regexp.MustCompile(`:\[\d+\]`).ReplaceAllString(target, "")]++
	}
	statm, _ := os.ReadFile("/proc/self/statm")
	if f := strings.Fields(string(statm)); len(f) > 1 {
		pages, _ := strconv.ParseInt(f[1], 10, 64)
		c.Resident = pages * int64(os.Getpagesize())
	}
	return c
}

// stacks counts the goroutines that have the same stack, but for that which calls it.
func stacks() map[string]int {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // to memory
	all := make(map[string]int)
	for _, group := range strings.Split(b.String(), "\n\n") {
		var stack []string
		n := 0
		for _, line := range strings.Split(group, "\n") {
			if count, _, ok := strings.Cut(line, " @ "); ok {
				n, _ = strconv.Atoi(count)
			}
			if f := strings.Fields(line); len(f) > 3 && f[0] == "#" {
				name, _, _ := strings.Cut(f[2], "+0x")
				stack = append(stack, name+" "+filepath.Base(f[3]))
			}
		}
		if n > 0 && !slices.ContainsFunc(stack, func(s string) bool { return strings.Contains(s, ".takeCensus") }) {
			all[strings.Join(stack, "\n\t")] += n
		}
	}
	return all
}

// sockets names the sockets of the machine that have names, by how /proc/self/fd has them.
func sockets() map[string]string {
	names := make(map[string]string)
	for file, columns := range map[string][3]int{ // local, remote, inode
		"tcp": {1, 2, 9}, "tcp6": {1, 2, 9}, "unix": {7, 7, 6},
	} {
		table, _ := os.ReadFile("/proc/net/" + file)
		for _, line := range strings.Split(string(table), "\n") {
			f := strings.Fields(line)
			if len(f) <= columns[2] {
				continue
			}
			name := "socket of " + file
			if file == "unix" && len(f) > 7 {
				name += " " + f[7]
			} else if file != "unix" && f[3] == "0A" {
				name += " that listens"
			}
			names["socket:["+f[columns[2]]+"]"] = name
		}
	}
	return names
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (c census) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %.1f MiB of heap, %.1f MiB resident",
		total(c.Goroutines), total(c.Files), float64(c.Heap)/(1<<20), float64(c.Resident)/(1<<20))
}

// more says what there is now that there was not before, "" if there is nothing.
func more(before, now map[string]int) string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(now)) {
		if n := now[what] - before[what]; n > 0 {
			fmt.Fprintf(&b, "\n%d more (%d now):\n\t%s", n, now[what], what)
		}
	}
	return b.String()
}

// bounded are what there are as many of as were ever needed at once: connections to databases, and
// goroutines of HTTP/2 that wait for their next handler.
func bounded(what string, _ int) bool {
	return strings.Contains(what, "/kept/") || strings.Contains(what, "/h2.(*workers).work ")
}

// What a house that rests may have more than when it rested before.
const (
	slackCount = 8
	slackHeap  = 8 << 20
	slackRSS   = 96 << 20
)

// grown says what a process has more than before, beyond what differs by chance; "" for nothing.
func (c census) grown(before census) string {
	var b strings.Builder
	for _, kind := range []struct {
		name    string
		was, is map[string]int
	}{{"goroutines", before.Goroutines, c.Goroutines}, {"descriptors", before.Files, c.Files}} {
		was, is := maps.Clone(kind.was), maps.Clone(kind.is)
		maps.DeleteFunc(was, bounded)
		maps.DeleteFunc(is, bounded)
		if n := total(is) - total(was); n > slackCount {
			fmt.Fprintf(&b, "\n%d more %s%s", n, kind.name, more(was, is))
		}
	}
	if n := c.Heap - before.Heap; n > slackHeap {
		fmt.Fprintf(&b, "\n%d KiB more of heap", n>>10)
	}
	if n := c.Resident - before.Resident; n > slackRSS {
		fmt.Fprintf(&b, "\n%d MiB more resident", n>>20)
	}
	return b.String()
}

// left says what is still there of what was not before; "" for nothing.
func (c census) left(before census) string {
	s := ""
	if m := more(before.Goroutines, c.Goroutines); m != "" {
		s += "\ngoroutines:" + m
	}
	if m := more(before.Files, c.Files); m != "" {
		s += "\ndescriptors:" + m
	}
	return s
}

// settle takes a census until wrong has nothing to say of it, or patience is over.
func settle(take func() census, wrong func(census) string) (c census, what string) {
	soakAwait(func() bool {
		c = take()
		what = wrong(c)
		if what != "" {
			time.Sleep(200 * time.Millisecond)
		}
		return what == ""
	})
	return c, what
}

// censusFile is that of a worker.
func censusFile(dir string, pid int) string {
	return filepath.Join(dir, "census."+strconv.Itoa(pid))
}

// writeCensus writes that of this process, which is a worker.
func writeCensus(dir string, pid int) error {
	b, err := json.Marshal(takeCensus())
	if err != nil {
		return err
	}
	name := censusFile(dir, pid)
	if err := os.WriteFile(name+".new", b, 0o666); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// soakChildren are the processes that this one has started and that have not been waited for.
func soakChildren() (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it is gone
		}
		// proc_pid_stat(5): PID (NAME) STATE PPID, and NAME may have anything in it.
		_, rest, _ := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
		f := strings.Fields(rest)
		if len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// cpuMeter returns how much CPU this process and those that it has started take from now on.
func cpuMeter() func() time.Duration {
	var mu sync.Mutex
	var last time.Time
	var used, base time.Duration
	measure := func() time.Duration {
		var all time.Duration
		for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
			var u syscall.Rusage
			_ = syscall.Getrusage(who, &u) // it cannot fail for these
			all += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
		for _, pid := range soakChildren() {
			// proc_pid_stat(5): the fields 14 and 15, in hundredths of a second.
			b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			if f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:])); len(f) > 12 {
				user, _ := strconv.Atoi(f[11])
				system, _ := strconv.Atoi(f[12])
				all += time.Duration(user+system) * 10 * time.Millisecond
			}
		}
		return all
	}
	base = measure()
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) > 200*time.Millisecond {
			used, last = measure()-base, time.Now()
		}
		return used
	}
}
