package server_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// TestUnixAccess has the socket of a listener be whom its URL says, and the listener be reached
// under its path alone.
func TestUnixAccess(t *testing.T) {
	const unset = -1
	tests := []struct {
		query        string
		mode         fs.FileMode // 0 for that of the umask
		owner, group int
	}{
		{"", 0, unset, unset},
		{"?mode=660", 0o660, unset, unset},
		{"?mode=0666", 0o666, unset, unset},
		{"?mode=600&owner=65534", 0o600, 65534, unset},
		{"?owner=root&group=65534&mode=777", 0o777, 0, 65534},
		{"?group=" + strconv.Itoa(os.Getgid()), 0, unset, os.Getgid()},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			if test.owner != unset && os.Getuid() != 0 {
				t.Skip("only root gives a file away")
			}
			path := filepath.Join(t.TempDir(), "sock")
			l, err := server.Listen("unix:"+path+test.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if l.URL != "unix:"+path {
				t.Errorf("it is reached under %s", l.URL)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if test.mode != 0 && info.Mode().Perm() != test.mode {
				t.Errorf("the mode is %o, want %o", info.Mode().Perm(), test.mode)
			}
			of := info.Sys().(*syscall.Stat_t)
			if test.owner != unset && int(of.Uid) != test.owner ||
				test.group != unset && int(of.Gid) != test.group {
				t.Errorf("it is of %d:%d, want %d:%d", of.Uid, of.Gid, test.owner, test.group)
			}
		})
	}
}

// TestUnixAccessWrong leaves no socket behind for what names no mode, owner or group.
func TestUnixAccessWrong(t *testing.T) {
	for query, want := range map[string]string{
		"mode=rw":             `mode "rw" is not one as 660`,
		"mode=1777":           `mode "1777" is not one as 660`,
		"mode=0":              `mode "0" is not one as 660`,
		"mode=600&mode=666":   "mode is given twice",
		"owner=no such user":  `there is no user "no such user"`,
		"group=no such group": `there is no group "no such group"`,
		"umask=7":             `a unix socket has no "umask"`,
	} {
		path := filepath.Join(t.TempDir(), "sock")
		where := "unix:" + path + "?" + query
		_, err := server.Listen(where, nil)
		if !errors.Is(err, server.ErrAddress) ||
			err.Error() != fmt.Sprintf("listen on %s: %s: %v", where, want, server.ErrAddress) {
			t.Errorf("%s: %v", query, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: the socket is there", query)
		}
	}
}
