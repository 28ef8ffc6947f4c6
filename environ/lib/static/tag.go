package static

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"io/fs"
	"strconv"
	"sync"
	"time"
)

// maxHashed is how large a file may be to have an ETag of its content. That of a larger one is
// made of its time and size, as nginx makes it, so that no request has to read it whole.
const maxHashed = 4 << 20

// tags are the ETags of files. A file is hashed by one request at a time: those that come
// meanwhile wait for it, and one of them goes on where it stopped if its client leaves. The zero
// value is ready; it is safe for concurrent use.
type tags struct {
	mu    sync.Mutex
	files map[any]*tagged // by identity

	// cpu is held while a piece is hashed, but not while it is read: all hashes together take one
	// core at most.
	cpu sync.Mutex
}

// maxTags bounds the files that are remembered. They are forgotten all at once.
const maxTags = 10_000

// tagged is a file as it was when it had this size and these times.
type tagged struct {
	size              int64
	written, attested time.Time
	turn              chan struct{} // holds one while a request hashes; it guards what follows
	hash              hash.Hash     // of the first bytes
	hashed            int64         // how many those are
	tag               string        // once all are hashed
}

// find returns what is remembered of the file that key identifies, which is begun if it is new or
// another than it was.
func (t *tags) find(key any, info fs.FileInfo, changed time.Time) *tagged {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.files[key]
	if k != nil && k.size == info.Size() && k.written.Equal(info.ModTime()) &&
		k.attested.Equal(changed) {
		return k
	}
	if t.files == nil || len(t.files) >= maxTags {
		t.files = make(map[any]*tagged)
	}
	k = &tagged{
		size: info.Size(), written: info.ModTime(), attested: changed,
		turn: make(chan struct{}, 1), hash: sha256.New(),
	}
	t.files[key] = k
	return k
}

// forget forgets k, if key still identifies it.
func (t *tags) forget(key any, k *tagged) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.files[key] == k {
		delete(t.files, key)
	}
}

// of returns the ETag of a file, whose content it may read. Its error may be that of ctx, when the client
// has gone. What it waits for it waits for in wait.
func (t *tags) of(
	ctx context.Context, wait func(func(context.Context) error) error, key any, info fs.FileInfo, changed time.Time, content io.ReadSeeker,
) (string, error) {
	k := t.find(key, info, changed)
	select {
	case k.turn <- struct{}{}:
	default:
		err := wait(func(ctx context.Context) error {
			select {
			case k.turn <- struct{}{}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return "", err
		}
	}
	defer func() { <-k.turn }()
	if k.tag == "" {
		if err := t.make(ctx, k, content); err != nil {
			return "", err
		}
		// What was written just now may be written again within the resolution of its time.
		if now := time.Now(); recent(now, k.written) || recent(now, changed) {
			t.forget(key, k)
		}
	}
	return k.tag, nil
}

// recent reports whether a time is that of now. One that lies ahead is not: whoever writes to the
// file now gives it another.
func recent(now, t time.Time) bool { return now.Sub(t).Abs() <= time.Second }

// make hashes what is not hashed yet, until ctx ends.
func (t *tags) make(ctx context.Context, k *tagged, content io.ReadSeeker) error {
	if _, err := content.Seek(k.hashed, io.SeekStart); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for k.hashed < k.size {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := content.Read(buf[:min(int64(len(buf)), k.size-k.hashed)])
		t.cpu.Lock()
		k.hash.Write(buf[:n])
		t.cpu.Unlock()
		k.hashed += int64(n)
		if err == io.EOF {
			break // it has been cut since, and has another tag now
		}
		if err != nil {
			return err
		}
	}
	k.tag = `"` + base64.RawURLEncoding.EncodeToString(k.hash.Sum(nil)[:15]) + `"`
	k.hash = nil
	_, err := content.Seek(0, io.SeekStart)
	return err
}

// stamp is the ETag of a file that is too large to be hashed, "" if it has no time.
func stamp(info fs.FileInfo) string {
	t := info.ModTime()
	if t.IsZero() {
		return ""
	}
	tag := `"` + strconv.FormatInt(t.UnixNano(), 36) + "-" + strconv.FormatInt(info.Size(), 36) + `"`
	if recent(time.Now(), t) {
		return "W/" + tag // RFC 9110, section 8.8.1: another content may have the same time
	}
	return tag
}
