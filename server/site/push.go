package site

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"

	"github.com/larkspur-web/larkspur/push"
)

// Push is a [push.Policy] within its stock limits.
type Push struct {
	// Off makes no promises; hints go out as to a client that takes none.
	Off bool
	// HintHTTP1 sends hints over HTTP/1.1 too.
	HintHTTP1 bool
	// Map, if not nil, has the resources of pages.
	Map *push.Map
	// MapFile, if not empty, is the file of the Map, which is nil then: it is read by Set, again by
	// Reload, and with Watch when it changes. What is no map never replaces the one that serves.
	MapFile string
	// Memory, if not nil, remembers clients across connections.
	Memory *push.Memory
	// Recorder, if not nil, learns from what clients ask for.
	Recorder *push.Recorder
}

// policy makes a policy of it, which tells observe each verdict.
func (p Push) policy(logger *slog.Logger, observe func(*http.Request, push.Verdict)) *push.Policy {
	return &push.Policy{Off: p.Off, HintHTTP1: p.HintHTTP1, Map: p.Map, Memory: p.Memory,
		Recorder: p.Recorder, Logger: logger, Observe: observe}
}

// withMap returns the site with the map that is in its MapFile now.
func (v *Site) withMap() (*Site, error) {
	if v.Push.MapFile == "" {
		return v, nil
	}
	m, err := push.ReadMap(v.Push.MapFile)
	if err != nil {
		return nil, err
	}
	next := *v
	next.Push.Map = m
	return &next, nil
}

// reloadMap takes up the map that is in the MapFile now.
func (s *Server) reloadMap() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.site == nil || s.site.Push.MapFile == "" {
		return nil
	}
	if err := s.set(s.site); err != nil {
		s.log.Error("reload failed, the last good map of pushes serves on", slog.Any("error", err))
		return err
	}
	s.log.Info("reloaded the map of pushes", slog.String("file", s.site.Push.MapFile))
	return nil
}

// keySize is how many bytes a key of the memory has.
const keySize = 32

// ReadMemory reads the keys of a memory of pushes from a file: one in a line, of 32 bytes in
// base64. The first signs, the others are still understood. If there is no file it is made, with a
// key, for its owner only: servers that are to understand each other's cookies need the same.
func ReadMemory(path string) (*push.Memory, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, keySize)
		rand.Read(key) // it does not fail
		content = append([]byte(base64.StdEncoding.EncodeToString(key)), '\n')
		err = keep(path, content)
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys of the push memory: %w", err)
	}
	m := new(push.Memory)
	n := 0
	for line := range bytes.Lines(content) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("%s:%d: it is not a key: write %d random bytes in base64, as of "+
				"openssl rand -base64 %d", path, n, keySize, keySize)
		}
		m.Keys = append(m.Keys, key)
	}
	if len(m.Keys) == 0 {
		return nil, fmt.Errorf("%s: there is no key: remove it, and one is made", path)
	}
	return m, nil
}
