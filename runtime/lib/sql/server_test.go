package sql_test

import (
	"os"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"github.com/larkspur-web/larkspur/runtime/lib/sql/sqltest"
)

// server is the one of PostgreSQL that all tests share.
var server sqltest.Cluster

// TestMain ends the server of PostgreSQL that tests have started, and is what tests start again as
// another process.
func TestMain(m *testing.M) {
	if role := os.Getenv("LARKSPUR_SQL_TEST"); role != "" {
		os.Exit(child(role))
	}
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// postgresGrant is a grant of a database notes of its own.
func postgresGrant(t testing.TB) *sql.Grant {
	t.Helper()
	g := &sql.Grant{Databases: map[string]string{"notes": server.Database(t)}}
	t.Cleanup(func() { g.Close() })
	return g
}

// both runs a test on both databases.
func both(t *testing.T, f func(t *testing.T, g *sql.Grant)) {
	t.Run("sqlite", func(t *testing.T) { f(t, grant(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, postgresGrant(t)) })
}
