package sql_test

import (
	"context"
	stdsql "database/sql"
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
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
)

// TestMain ends the server of PostgreSQL that tests have started, and is what tests start again as
// another process.
func TestMain(m *testing.M) {
	if role := os.Getenv("LARKSPUR_SQL_TEST"); role != "" {
		os.Exit(child(role))
	}
	code := m.Run()
	server.stop()
	os.Exit(code)
}

// A cluster is a server of PostgreSQL on a socket of its own, which all tests of a run share.
type cluster struct {
	once      sync.Once
	dir       string
	programs  string
	as        []string // how its programs are called: not as root
	err       error
	databases atomic.Int64
}

var server = new(cluster)

var errNoServer = errors.New("postgresql is not installed")

// start starts the server.
func (c *cluster) start() error {
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

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) run(program string, args ...string) error {
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

func (c *cluster) stop() {
	if c.dir == "" {
		return
	}
	if err := c.run("pg_ctl", "-D", c.data(), "-w", "-m", "immediate", "stop"); err != nil && c.err == nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.RemoveAll(c.dir)
}

func (c *cluster) url(database string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(c.dir)
}

// postgres returns the URL of a database of its own. Without Debian's postgresql the test is skipped,
// or fails if LARKSPUR_REQUIRE_PEERS is 1.
func postgres(t testing.TB) string {
	t.Helper()
	server.once.Do(func() { server.err = server.start() })
	switch {
	case errors.Is(server.err, errNoServer) && os.Getenv("LARKSPUR_REQUIRE_PEERS") != "1":
		t.Skip("SKIPPED: postgresql is not installed (apt-get install postgresql)")
	case server.err != nil:
		t.Fatal(server.err)
	}
	name := fmt.Sprintf("t%d", server.databases.Add(1))
	db, err := stdsql.Open("pgx", server.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return server.url(name)
}

// postgresGrant is a grant of a database notes of its own.
func postgresGrant(t testing.TB) *sql.Grant {
	t.Helper()
	g := &sql.Grant{Databases: map[string]string{"notes": postgres(t)}}
	t.Cleanup(func() { g.Close() })
	return g
}

// both runs a test on both databases.
func both(t *testing.T, f func(t *testing.T, g *sql.Grant)) {
	t.Run("sqlite", func(t *testing.T) { f(t, grant(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, postgresGrant(t)) })
}
