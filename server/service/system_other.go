//go:build !unix

package service

import (
	"errors"
	"os"
)

var errSystem = errors.New("this system has no such thing")

func closeOnExec(int) {}

func replaceStderr(*os.File) {}

// NoInput does nothing here.
func NoInput() error { return nil }

// Umask does nothing here.
func Umask(int) {}

func hold(*os.File) {}

func held(*os.File) bool { return true }

// An Identity is the user and the groups that a process runs as: there are none on this system.
type Identity struct{}

// Own does nothing here.
func (p *PIDFile) Own(*Identity) error { return nil }

// FindIdentity fails: this system has other users.
func FindIdentity(string) (*Identity, error) { return nil, errSystem }

// Become fails, but of nil.
func Become(id *Identity) error {
	if id == nil {
		return nil
	}
	return errSystem
}
