// Package sqltest starts a server of PostgreSQL for tests.
package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// A Cluster is a server of PostgreSQL on a socket of its own, which the tests of a package share. The
// zero value is one that the first test which wants a database starts.
type Cluster struct {
	once      sync.Once
	dir       string
	programs  string
	as        []string // how its programs are called: not as root
	err       error
	databases atomic.Int64
}

var errNoServer = errors.New("postgresql is not installed")

// start starts the server.
func (c *Cluster) start() error {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return err
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return errNoServer
	}
	slices.Sort(found)
	c.programs = filepath.Dir(found[len(found)-1])
	if c.dir, err = os.MkdirTemp("", "larkspur-pg"); err != nil { // the path of a socket is short
		return err
	}
	if err := os.Chmod(c.dir, 0o777); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		c.as = []string{"runuser", "-u", "postgres", "--"}
	}
	if err := c.run("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"); err != nil {
		return err
	}
	options := "-k " + c.dir + " -c listen_addresses='' -c fsync=off -c max_connections=100"
	return c.run("pg_ctl", "-D", c.data(), "-w", "-t", "60", "-l", filepath.Join(c.dir, "log"), "-o", options, "start")
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) run(program string, args ...string) error {
	all := append(slices.Clone(c.as), filepath.Join(c.programs, program))
	all = append(all, args...)
	cmd := exec.Command(all[0], all[1:]...)
	cmd.Dir = "/"
	if program != "pg_ctl" { // which leaves a process behind that would keep a pipe open
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", program, err, out)
		}
		return nil
	}
	if err := cmd.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("%s: %w\n%s", program, err, log)
	}
	return nil
}

// Stop ends the server, if it was started. It is called when all tests have ended.
func (c *Cluster) Stop() {
	if c.dir == "" {
		return
	}
	if err := c.run("pg_ctl", "-D", c.data(), "-w", "-m", "immediate", "stop"); err != nil && c.err == nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.RemoveAll(c.dir)
}

func (c *Cluster) url(database string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(c.dir)
}

// Database returns the URL of a database of its own. Without Debian's postgresql the test is skipped,
// or fails if LARKSPUR_REQUIRE_PEERS is 1.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	c.once.Do(func() { c.err = c.start() })
	switch {
	case errors.Is(c.err, errNoServer) && os.Getenv("LARKSPUR_REQUIRE_PEERS") != "1":
		t.Skip("SKIPPED: postgresql is not installed (apt-get install postgresql)")
	case c.err != nil:
		t.Fatal(c.err)
	}
	name := fmt.Sprintf("t%d", c.databases.Add(1))
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return c.url(name)
}
