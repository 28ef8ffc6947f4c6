package worker

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestReplay has records that come out as they were logged.
func TestReplay(t *testing.T) {
	var sent, got bytes.Buffer
	plain := func(b *bytes.Buffer) *slog.Logger {
		return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		}}))
	}
	log := func(l *slog.Logger) {
		l.Info("hello", "a", 1, "b", "x y", "c", true, "d", 1.5, "big", int64(1)<<62)
		l.Debug("ünï\n\"", slog.Group("g", slog.String("x", "y"), slog.Group("h", "i", 1)))
		l.With("k", "v").WithGroup("w").Error("e", "n", nil, "err", strings.Repeat("x", 100))
		l.Log(t.Context(), slog.LevelWarn+1, "", "level of its own", 7)
		l.Info("names", "level", 3, "msg", "m")
		l.Info("done", "took", 20440897*time.Nanosecond, slog.Group("g", "after", time.Second))
	}
	log(plain(&sent))
	var records bytes.Buffer
	log(slog.New(recorder(&records)))
	for record := range bytes.Lines(records.Bytes()) {
		replay(plain(&got), record)
	}
	if want := strings.ReplaceAll(sent.String(), "n=<nil>", "n=null"); got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

// FuzzReplay holds that whatever a worker says is a record or an error in the log, and that nothing of
// it takes long.
func FuzzReplay(f *testing.F) {
	for _, s := range []string{`{"time":"x","level":"INFO","msg":"a","b":{"c":[1,2,{"d":null}]}}`, `{"level":"ERROR+7","msg":{}}`,
		`[]`, `1`, `null`, `{"a":{"a":{"a":{}}}}`, `{"a":1e999}`, `{"a":{"time.Duration":1e99}}`, `{"msg":1,"msg":2}`, `{"":""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		var b bytes.Buffer
		began := time.Now()
		replay(slog.New(slog.NewTextHandler(&b, nil)), record)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
