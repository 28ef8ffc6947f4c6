package state_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"go.starlark.net/starlark"
)

// nodeVariable has this program be a node: it has the description of one.
const nodeVariable = "LARKSPUR_TEST_NODE"

func TestMain(m *testing.M) {
	if told := os.Getenv(nodeVariable); told != "" {
		if err := beNode(told, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A place is what a process is told that keeps something.
type place struct {
	Dir     string
	Cluster state.Cluster
	Hide    bool
	Program string // that is served; "" for none
}

// beNode evaluates expressions, one a line, until there are no more. What is defined stays.
func beNode(told string, in io.Reader, out io.Writer) error {
	var p place
	if err := json.Unmarshal([]byte(told), &p); err != nil {
		return err
	}
	level := slog.LevelInfo
	if os.Getenv("LARKSPUR_TEST_DEBUG") != "" {
		level = slog.LevelDebug
	}
	g := &state.Grant{Dir: p.Dir, Cluster: p.Cluster,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))}
	if p.Hide {
		g.Cluster.Hide()
	}
	defer g.Close()
	d := newDesk(&testing.T{}, g)
	if err := gateways(d.env, g); err != nil {
		return err
	}
	d.env["rest"] = starlark.NewBuiltin("rest", rest)
	d.env["seconds"] = starlark.NewBuiltin("seconds", seconds)
	d.env["say"] = starlark.NewBuiltin("say", func(
		_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
	) (starlark.Value, error) {
		_, err := fmt.Fprintln(out, args[0].String())
		return starlark.None, err
	})
	d.env["leads"] = starlark.NewBuiltin("leads", func(
		_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
	) (starlark.Value, error) {
		name, _ := starlark.AsString(args[0])
		leads, replicas := g.Leads(name)
		return starlark.Tuple{starlark.Bool(leads), starlark.MakeInt(replicas)}, nil
	})
	if err := g.Open(context.Background()); err != nil {
		return err
	}
	if p.Program != "" {
		files := tree{fstest.MapFS{}}
		files.save(p.Program)
		c := config(g, files, make(chan string, 1000))
		c.Logger = g.Logger
		c.Predeclared["rest"] = host.Func("rest", func() { time.Sleep(100 * time.Millisecond) })
		c.Predeclared["place"] = host.Func("place", func() string { return p.Cluster.Listen })
		served, err := runtime.Load(c, "app.star")
		if err != nil {
			return err
		}
		defer served.Close()
	}
	fmt.Fprintln(out, "ready")
	for lines := bufio.NewScanner(in); lines.Scan(); {
		source, _ := strconv.Unquote(lines.Text())
		if strings.Contains(source, "\n") {
			d.run(source)
			fmt.Fprintln(out, "done")
			continue
		}
		fmt.Fprintln(out, d.eval(source))
	}
	return nil
}

// seconds is a clock.
func seconds(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return starlark.Float(float64(time.Now().UnixNano()) / 1e9), nil
}

// rest has who writes not take the whole machine, but in the long run.
func rest(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	if !long() {
		time.Sleep(30 * time.Millisecond)
	}
	return starlark.None, nil
}

// A node is a process that keeps something.
type node struct {
	t     testing.TB
	place place
	log   string // the file of its log

	cmd   *exec.Cmd
	mu    sync.Mutex // one expression at a time
	in    io.WriteCloser
	lines *bufio.Scanner
}

// start starts the process.
func (n *node) start() {
	n.t.Helper()
	told, err := json.Marshal(n.place)
	if err != nil {
		n.t.Fatal(err)
	}
	n.cmd = exec.Command(os.Args[0])
	n.cmd.Env = append(os.Environ(), nodeVariable+"="+string(told))
	log, err := os.OpenFile(n.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		n.t.Fatal(err)
	}
	defer log.Close()
	n.cmd.Stderr = log
	n.in, _ = n.cmd.StdinPipe()
	out, _ := n.cmd.StdoutPipe()
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.lines = bufio.NewScanner(out)
	n.lines.Buffer(nil, 16<<20)
}

// ready waits until it has begun.
func (n *node) ready() {
	n.t.Helper()
	if !n.lines.Scan() || n.lines.Text() != "ready" {
		n.t.Fatalf("the node did not begin: %s", n.lines.Text())
	}
}

// eval returns what an expression is there, or "" if it has died.
func (n *node) eval(source string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(n.in, strconv.Quote(source))
	if !n.lines.Scan() {
		return ""
	}
	return n.lines.Text()
}

// kill ends it as kill -9 does.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// want compares what expressions are.
func (n *node) want(pairs ...string) {
	n.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := n.eval(pairs[i]); got != pairs[i+1] {
			n.t.Errorf("%s: %s\n got %s\nwant %s", n.place.Cluster.Listen, pairs[i], got, pairs[i+1])
		}
	}
}

// newNode returns one that is not started, and ends with the test.
func newNode(t testing.TB, p place) *node {
	n := &node{t: t, place: p, log: filepath.Join(t.TempDir(), "log")}
	t.Cleanup(func() {
		if n.cmd != nil {
			n.kill()
		}
		if log, err := os.ReadFile(n.log); err == nil && (t.Failed() || testing.Verbose()) {
			t.Logf("%s\n%s", p.Cluster.Listen, log)
		}
	})
	return n
}

// secret is that of the clusters.
var secret = strings.Repeat("tea", 11)

// newNodes returns three of a cluster. The way from one to another is a proxy's, if there are ways.
func newNodes(t testing.TB, ways *ways) []*node {
	t.Helper()
	var at []string
	for i := range 3 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:0", i+1))
		if err != nil {
			t.Skipf("a second loopback address: %v", err)
		}
		defer l.Close()
		at = append(at, l.Addr().String())
	}
	var all []*node
	for i := range at {
		c := state.Cluster{Name: "tea", Peers: at, Listen: at[i], Secret: secret}
		if ways != nil {
			c.Peers = nil
			for j := range at {
				if j != i {
					c.Peers = append(c.Peers, ways.add(t, i, j, at[j]))
				}
			}
		}
		all = append(all, newNode(t, place{Dir: t.TempDir(), Cluster: c, Hide: ways != nil}))
	}
	return all
}

// ways are the connections from nodes to nodes, which can be cut.
type ways struct {
	mu    sync.Mutex
	cut   map[int]bool // nodes that are apart from the others
	conns map[net.Conn][2]int
}

// add returns where node i reaches node j.
func (w *ways) add(t testing.TB, i, j int, to string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go w.pass(conn, i, j, to)
		}
	}()
	return l.Addr().String()
}

// pass joins two connections.
func (w *ways) pass(from net.Conn, i, j int, to string) {
	defer from.Close()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer conn.Close()
	w.mu.Lock()
	apart := w.cut[i] != w.cut[j]
	if w.conns == nil {
		w.conns = make(map[net.Conn][2]int)
	}
	w.conns[from], w.conns[conn] = [2]int{i, j}, [2]int{i, j}
	w.mu.Unlock()
	if apart {
		return
	}
	go func() { _, _ = io.Copy(conn, from); conn.Close() }()
	_, _ = io.Copy(from, conn)
	w.mu.Lock()
	delete(w.conns, from)
	delete(w.conns, conn)
	w.mu.Unlock()
}

// part has the nodes be apart from the others; none has all be together.
func (w *ways) part(nodes ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = make(map[int]bool)
	for _, n := range nodes {
		w.cut[n] = true
	}
	for conn, ends := range w.conns {
		if w.cut[ends[0]] != w.cut[ends[1]] {
			conn.Close()
		}
	}
}
