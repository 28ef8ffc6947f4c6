package sql_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/lib/sql"
)

// TestDial connects to the servers that are granted, at their addresses, and to nothing else.
func TestDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	dir := t.TempDir()
	socket, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.7777"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	port := l.Addr().(*net.TCPAddr).Port
	g := &sql.Grant{Databases: map[string]string{
		"far": fmt.Sprintf("postgres://ada:hush@localhost:%d/x?sslmode=disable", port), "file": "notes.db",
		"near": "postgres:///x?port=7777&host=" + dir,
	}}
	for _, test := range []struct {
		network, address string
		want             bool
	}{
		{"tcp", fmt.Sprintf("localhost:%d", port), true},
		{"tcp", l.Addr().String(), true}, // as a statement is cancelled
		{"unix", socket.Addr().String(), true},
		{"tcp", other.Addr().String(), false},
		{"tcp", fmt.Sprintf("[::1]:%d", other.Addr().(*net.TCPAddr).Port), false},
		{"unix", filepath.Join(dir, "other"), false},
		{"unix", l.Addr().String(), false},
		{"", "", false},
	} {
		conn, err := g.Dial(t.Context(), test.network, test.address)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != test.want || err != nil && !strings.Contains(err.Error(), "is no server of a database that is granted") {
			t.Errorf("%s %s: %v", test.network, test.address, err)
		}
	}
}
