//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// newScene makes what the attempts are made on.
func newScene(t *testing.T) scene {
	t.Helper()
	dir := t.TempDir()
	s := scene{Dir: dir, Read: filepath.Join(dir, "read"), Write: filepath.Join(dir, "write"),
		Outside: filepath.Join(dir, "outside"), Unix: filepath.Join(dir, "outside", "socket"),
		Abstract: "@" + dir}
	for _, err := range []error{os.Mkdir(s.Read, 0o755), os.Mkdir(s.Write, 0o755),
		os.Mkdir(s.Outside, 0o755),
		os.WriteFile(filepath.Join(s.Read, "app.star"), []byte("x"), 0o644),
		os.WriteFile(filepath.Join(s.Outside, "f"), []byte("x"), 0o644),
		os.WriteFile(filepath.Join(s.Outside, "gone"), []byte("x"), 0o644),
		os.Symlink(filepath.Join(s.Outside, "f"), filepath.Join(s.Read, "link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	listen := func(network, address string) string {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Addr().String()
	}
	s.TCP, s.OtherTCP = listen("tcp", "127.0.0.1:0"), listen("tcp", "127.0.0.1:0")
	listen("unix", s.Unix)
	listen("unix", s.Abstract)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	s.UDP = udp.LocalAddr().String()

	victim := command("victim")
	in, err := victim.StdinPipe()
	if err == nil {
		err = victim.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); victim.Wait() })
	s.Victim = victim.Process.Pid
	return s
}

func (s scene) own() Access { return Access{Read: []string{s.Read}, Write: []string{s.Write}} }

func names(attempts []attempt) []string {
	var names []string
	for _, a := range attempts {
		names = append(names, a.name)
	}
	return names
}

func enforces(r Report, name string) bool {
	return slices.ContainsFunc(r, func(p Protection) bool { return p.Name == name && p.Enforced })
}

// columns are what the children of TestAttempts do without.
var columns = [][]string{{"all"}, nil, {"seccomp"}, {"landlock"}}

// means are the letters of what refuses in a child.
func means(without []string) string {
	k, all := lookKernel(), ""
	if os.Getuid() != 0 {
		all += "#"
	}
	if slices.Contains(without, "all") {
		return all
	}
	all += "l"
	if os.Getuid() == 0 {
		all += "c"
	}
	if k.landlock > 0 && !slices.Contains(without, "landlock") {
		all += "L"
	}
	if k.seccomp && !slices.Contains(without, "seccomp") {
		all += "s"
	}
	return all
}

// TestAttempts makes each attempt in a process without a sandbox, in one with it, and in ones for a
// kernel that lacks Landlock or seccomp: what is refused is what should be, and no Report promises
// more than that. The table that it logs is what this kernel enforces.
func TestAttempts(t *testing.T) {
	racetest.Skip(t)
	table := newTable("attempt", "without", "confined", "Landlock only", "seccomp only")
	var starter Starter
	defer starter.Close()
	try := func(list []attempt, limits Limits, access func(scene) Access) {
		var results []*child
		for _, without := range columns {
			s := newScene(t)
			c, end := order{Without: without, Limits: limits, Access: access(s),
				Attempts: names(list), Scene: s}.runIn(t, &starter)
			results = append(results, c)
			if end != "exit status 0" {
				t.Fatalf("without %v: %s\n%s", without, end, &c.stderr)
			}
		}
		for _, a := range list {
			row := []string{a.name}
			for i, without := range columns {
				got := results[i].outcomes[a.name]
				refused := strings.ContainsAny(a.by, means(without))
				row = append(row, short(got))
				if (got != "ok") != refused {
					t.Errorf("%s, without %v: got %s, want it refused: %v",
						a.name, without, got, refused)
				}
				if enforces(results[i].Report, a.protection) && got == "ok" {
					t.Errorf("%s, without %v: done, but the report says that %s is enforced",
						a.name, without, a.protection)
				}
			}
			table.row(row...)
		}
	}
	try(attempts, Limits{}, scene.own)
	try(limitAttempts, Limits{Memory: 64 << 20, Files: 50, FileSize: 1 << 20}, scene.own)
	try(networkAttempts, Limits{}, func(s scene) Access {
		address, err := net.ResolveTCPAddr("tcp", s.TCP)
		if err != nil {
			t.Fatal(err)
		}
		return Access{Network: true, Ports: []uint16{uint16(address.Port)}}
	})
	t.Logf("%s%s", Probe(Limits{Memory: 1, CPU: 1, Files: 1, FileSize: 1}, Access{}), table)
}

// TestLimitsEnd has processes go past the limits that end them.
func TestLimitsEnd(t *testing.T) {
	racetest.Skip(t)
	table := newTable("attempt", "without", "peak", "confined", "peak")
	var starter Starter
	defer starter.Close()
	for _, a := range fatalAttempts {
		if room > 1<<30 && a.protection != "CPU time" {
			t.Logf("%s: not with the race detector, which takes many times the memory", a.name)
			continue
		}
		run := func(without ...string) (*child, string) {
			limits := Limits{Memory: 64 << 20}
			if a.protection == "CPU time" {
				limits.CPU = time.Second // what takes memory may take as long, on some machine
			}
			return order{Without: without, Limits: limits, Attempts: []string{a.name},
				Scene: scene{Dir: t.TempDir()}}.runIn(t, &starter)
		}
		f, free := run("all")
		c, confined := run()
		table.row(a.name, free, f.peak(), confined, c.peak())
		if a.protection == "core dumps" {
			if confined != "signal: aborted" {
				t.Errorf("%s: %s, want an abort without a core dump", a.name, confined)
			}
			continue
		}
		if free != "exit status 0" {
			t.Errorf("%s: %s, without a limit", a.name, free)
		}
		switch a.protection {
		case "memory":
			if got := c.outcomes[a.name]; got == "cannot allocate memory" {
				continue // and the process lived
			}
			says := strings.Contains(c.stderr.String(), "out of memory")
			if confined != "exit status 2" || !says {
				t.Errorf("%s: %s, want Go to say that it is out of memory:\n%s",
					a.name, confined, &c.stderr)
			}
		case "CPU time":
			if confined != "signal: killed" {
				t.Errorf("%s: %s, want it killed", a.name, confined)
			}
		}
	}
	t.Logf("\n%s", table)
}

// TestEveryThread looks from outside at the threads of a process that entered.
func TestEveryThread(t *testing.T) {
	var starter Starter
	defer starter.Close()
	c := order{Attempts: []string{"run 40 threads", "wait"}}.start(t, &starter, nil)
	defer c.end(t)
	if _, err := c.next(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", c.cmd.Process.Pid))
	if err != nil || len(files) < 5 {
		t.Fatalf("threads: %v, %v", files, err)
	}
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		for _, want := range []string{
			"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapPrm:\t0000000000000000\n",
		} {
			if !strings.Contains(string(status), want) {
				t.Errorf("%s lacks %q:\n%s", file, want, status)
			}
		}
	}
	t.Logf("%d threads", len(files))
}

// TestProbe compares what is said beforehand with what Enter says.
func TestProbe(t *testing.T) {
	var starter Starter
	defer starter.Close()
	limits := Limits{Memory: 64 << 20, CPU: time.Minute, Files: 100, FileSize: 1 << 20}
	sc := newScene(t)
	for _, tt := range []struct {
		access Access
		can    string
	}{
		{Access{}, "load a zone"},
		{Access{Network: true}, "connect by TCP"},
		{Access{Network: true, Ports: []uint16{443}}, "resolve localhost"},
		{Access{Unix: []string{sc.Unix}}, "connect to a unix socket"},
	} {
		o := order{Limits: limits, Access: tt.access, Attempts: []string{tt.can}, Scene: sc}
		c, end := o.runIn(t, &starter)
		if want := Probe(limits, tt.access); !reflect.DeepEqual(c.Report, want) {
			t.Errorf("%+v: Enter says\n%sand Probe said\n%s", tt.access, c.Report, want)
		}
		if got := c.outcomes[tt.can]; got != "ok" {
			t.Errorf("%+v: %s: %s; %s\n%s", tt.access, tt.can, got, end, &c.stderr)
		}
	}
}

// TestRequire names the first protection that a kernel lacks.
func TestRequire(t *testing.T) {
	for _, tt := range []struct {
		kernel kernel
		access Access
		want   string
	}{
		{kernel{landlock: 10, signals: true, seccomp: true},
			Access{Network: true, Unix: []string{"x"}}, ""},
		{kernel{landlock: 1, seccomp: true}, Access{}, ""},
		{kernel{seccomp: true}, Access{}, "sandbox: files: not enforced: " +
			"Landlock (ABI 1) is not in this kernel, or not on at boot"},
		{kernel{landlock: 10, signals: true}, Access{}, "sandbox: processes: not enforced: " +
			"this kernel has no seccomp filter"},
		{kernel{landlock: 7, seccomp: true}, Access{Network: true}, "sandbox: UDP ports: " +
			"not enforced: Landlock ABI 10 is needed, this kernel has 7: all can be reached"},
		{kernel{landlock: 3, seccomp: true}, Access{Network: true, Ports: []uint16{443}},
			"sandbox: TCP ports: not enforced: Landlock ABI 4 is needed, this kernel has 3: " +
				"all can be reached"},
	} {
		got := ""
		if err := tt.kernel.report(Limits{}, tt.access).Require(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: got  %q\nwant %q", tt.kernel, got, tt.want)
		}
	}
}

// TestMissingPath: what is granted must be there.
func TestMissingPath(t *testing.T) {
	var starter Starter
	defer starter.Close()
	c, end := order{Access: Access{Read: []string{"/none/such"}}}.runIn(t, &starter)
	if !strings.Contains(c.stderr.String(), "sandbox: read: stat /none/such: no such file") {
		t.Errorf("%s: %s", end, &c.stderr)
	}
}

// short is the last part of an error, which says why.
func short(text string) string { return strings.TrimSpace(text[strings.LastIndex(text, ": ")+1:]) }

type table struct {
	text strings.Builder
	w    *tabwriter.Writer
}

func newTable(head ...string) *table {
	var t table
	t.w = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
	t.row(head...)
	return &t
}

func (t *table) row(cells ...string) { fmt.Fprintln(t.w, strings.Join(cells, "\t")) }

func (t *table) String() string {
	t.w.Flush()
	return t.text.String()
}
