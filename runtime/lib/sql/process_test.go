package sql_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
)

// counter is a program that counts in a database.
const counter = prelude + `
db.migrate("migrations")

def app(n):
    db.exec("INSERT INTO counted (n) VALUES (?)", n)
    def add(tx):
        tx.exec("UPDATE total SET n = ?", tx.value("SELECT n FROM total") + 1)
    db.transaction(add)
`

var counterFiles = map[string]string{
	"app.star":                   counter,
	"migrations/001_counted.sql": "CREATE TABLE counted (n INTEGER PRIMARY KEY);\n",
	"migrations/002_total.sql":   "CREATE TABLE total (n INTEGER);\nINSERT INTO total VALUES (0);\n",
}

// child is what the process does that a test has started as that role: it loads the program when a
// line comes, and counts from its first number on.
func child(role string) int {
	if role != "counter" {
		fmt.Fprintln(os.Stderr, "no such role:", role)
		return 2
	}
	g := &sql.Grant{Databases: map[string]string{"notes": os.Getenv("LARKSPUR_SQL_URL")}}
	defer g.Close()
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p, err := runtime.Load(config(g, files(counterFiles)), "app.star")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("loaded")
	first, _ := strconv.Atoi(os.Getenv("LARKSPUR_SQL_FIRST"))
	count, _ := strconv.Atoi(os.Getenv("LARKSPUR_SQL_COUNT"))
	for n := first; n < first+count; n++ {
		if _, err := p.Do(context.Background(), n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(n) // it is answered
	}
	return 0
}

// A process is one that a test has started.
type process struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	said  strings.Builder
}

// spawn starts a counter on a database, and waits until it would load its program.
func spawn(t *testing.T, url string, first, count int) *process {
	t.Helper()
	p := start(t, url, first, count)
	p.want(t, "ready")
	return p
}

// start starts a counter on a database, which is ready when it says so.
func start(t *testing.T, url string, first, count int) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), "LARKSPUR_SQL_TEST=counter", "LARKSPUR_SQL_URL="+url,
		fmt.Sprint("LARKSPUR_SQL_FIRST=", first), fmt.Sprint("LARKSPUR_SQL_COUNT=", count))
	p.Stderr = &p.said
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil {
			p.Process.Kill()
			p.Wait()
		}
	})
	p.lines = bufio.NewScanner(out)
	return p
}

// want reads a line.
func (p *process) want(t *testing.T, line string) {
	t.Helper()
	if !p.lines.Scan() || p.lines.Text() != line {
		p.Process.Kill()
		p.Wait()
		t.Fatalf("the process said %q, want %q: %s", p.lines.Text(), line, p.said.String())
	}
}

// load has the program be loaded.
func (p *process) load(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		t.Fatal(err)
	}
}

// TestProcesses has processes race for the migrations of a database, and then write at once.
func TestProcesses(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		const each, processes = 20, 3
		var all []*process
		for i := range processes {
			all = append(all, spawn(t, g.Databases["notes"], i*each, each))
		}
		for _, p := range all {
			p.load(t)
		}
		for i, p := range all {
			p.want(t, "loaded")
			for n := range each {
				p.want(t, fmt.Sprint(i*each+n))
			}
			if err := p.Wait(); err != nil {
				t.Fatal(err, p.said.String())
			}
		}
		check := app(t, g, body(`return [db.value("SELECT " + q) for q in ["count(*) FROM counted", "n FROM total", "count(*) FROM total", "count(*) FROM larkspur_migrations"]]`))
		if got, want := do(t, check), fmt.Sprintf("[%d, %d, 1, 2]", each*processes, each*processes); got != want {
			t.Errorf("counted, total, rows of total and migrations are %s, want %s", got, want)
		}
	})
}

// TestKilled kills a process that writes, 20 times: what it said it has written is there. The next one
// starts meanwhile.
func TestKilled(t *testing.T) {
	const rounds = 20
	g := grant(t)
	check := app(t, g, body(`
return db.value("SELECT count(*) FROM counted"), db.value("PRAGMA integrity_check")`))
	first := func(round int) *process {
		return start(t, g.Databases["notes"], 1_000_000*round, 1_000_000)
	}
	answered, last := 0, 0
	next := first(0)
	for round := range rounds {
		p := next
		p.want(t, "ready")
		p.load(t)
		if round+1 < rounds {
			next = first(round + 1)
		}
		p.want(t, "loaded")
		for range 1 + 5*round%13 { // at another point each time
			if !p.lines.Scan() {
				t.Fatal(p.said.String())
			}
			answered++
		}
		if err := p.Process.Kill(); err != nil { // SIGKILL
			t.Fatal(err)
		}
		for p.lines.Scan() { // what it said before
			answered++
		}
		p.Wait() // it says that it was killed
		var count int
		var integrity string
		if _, err := fmt.Sscanf(do(t, check), "(%d, %q)", &count, &integrity); err != nil {
			t.Fatal(err)
		}
		// One more may be on the disk for each process, which was not answered.
		if count < answered || count > answered+round+1 || count <= last || integrity != "ok" {
			t.Errorf("round %d: %d rows are there, %d were answered; the database is %s",
				round, count, answered, integrity)
		}
		last = count
	}
}
