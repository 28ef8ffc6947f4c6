package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server/access"
	"github.com/spf13/cobra"
)

// A logReader shows lines of an access log.
type logReader struct {
	status string
	path   string
	mount  string
	follow bool

	low, high int // statuses that are shown
	out       io.Writer
	palette   display.Palette
}

func newLogs(stdin io.Reader, stdout io.Writer) *cobra.Command {
	var l logReader
	c := &cobra.Command{
		Use:   "logs [flags] FILE",
		Short: "Read an access log that was written as JSON",
		Long: `Logs shows the lines of an access log that serve --access-log json:FILE has written: when
it was, the status, the request, how long it took, and what else there is to say of it. FILE may
be - for the standard input. Lines of another kind, as those of the error log are, are shown as
they are, unless a flag chooses among requests.`,
		Example: `  larkspur logs access.json
  larkspur logs -f --status 5xx access.json
  larkspur logs --path /shop/ --app /shop access.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if l.low, l.high, err = statuses(l.status); err != nil {
				return err
			}
			l.out, l.palette = stdout, display.PaletteOf(stdout)
			if args[0] == "-" {
				return l.read(c.Context(), stdin)
			}
			return l.open(c.Context(), args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&l.status, "status", "", "only requests that were answered so: `STATUS`, as in 404, 5xx or 400-499")
	f.StringVar(&l.path, "path", "", "only requests whose path begins with `PREFIX`")
	f.StringVar(&l.mount, "app", "", "only requests for the mount `HOST/PATH`")
	f.BoolVarP(&l.follow, "follow", "f", false, "go on with what is written, until it is interrupted")
	return c
}

// statuses are the lowest and the highest status that text names.
func statuses(text string) (low, high int, err error) {
	if text == "" {
		return 0, 999, nil
	}
	if class, ok := strings.CutSuffix(text, "xx"); ok {
		n, err := strconv.Atoi(class)
		if err == nil && n >= 1 && n <= 5 {
			return n * 100, n*100 + 99, nil
		}
	}
	first, last, ranged := strings.Cut(text, "-")
	low, err = strconv.Atoi(first)
	if high = low; err == nil && ranged {
		high, err = strconv.Atoi(last)
	}
	if err != nil || low < 0 || high < low {
		return 0, 0, fmt.Errorf("--status %s: a status, a class as 5xx, or a range as 400-499", text)
	}
	return low, high, nil
}

// open reads a file to its end, and with follow what is written to it from then on, and to the file
// that takes its place.
func (l *logReader) open(ctx context.Context, name string) error {
	for {
		f, err := os.Open(name)
		if err != nil {
			return runError{err}
		}
		err = l.read(ctx, &growing{ctx: ctx, f: f, name: name, follow: l.follow})
		f.Close()
		if !errors.Is(err, errRotated) {
			return err
		}
	}
}

// errRotated says that another file has the name of the one that was read.
var errRotated = errors.New("another file has taken its place")

// lookEvery is how often a file is looked at that is followed.
const lookEvery = 200 * time.Millisecond

// A growing file ends only when ctx does, or when another file has its name.
type growing struct {
	ctx    context.Context
	f      *os.File
	name   string
	follow bool
}

func (g *growing) Read(p []byte) (int, error) {
	for {
		n, err := g.f.Read(p)
		if n > 0 || err != io.EOF || !g.follow {
			return n, err
		}
		select {
		case <-g.ctx.Done():
			return 0, io.EOF
		case <-time.After(lookEvery):
		}
		if err := g.look(); err != nil {
			return 0, err
		}
	}
}

// look finds out whether the file is another one, or begins anew.
func (g *growing) look() error {
	own, err := g.f.Stat()
	if err != nil {
		return err
	}
	at, err := g.f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	now, err := os.Stat(g.name)
	switch {
	case own.Size() > at: // first what is in it
	case own.Size() < at:
		_, err = g.f.Seek(0, io.SeekStart)
		return err
	case err == nil && !os.SameFile(own, now):
		return errRotated
	}
	return nil // where there is no file, one may come
}

// read shows the lines of r.
func (l *logReader) read(ctx context.Context, r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	for ctx.Err() == nil {
		part, err := in.ReadSlice('\n')
		if len(line) <= access.MaxLine { // what is longer is no entry, and not kept
			line = append(line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if len(line) > 0 {
			if _, failed := l.out.Write(l.show(bytes.TrimRight(line, "\r\n"))); failed != nil {
				return nil // nobody reads
			}
		}
		line = line[:0]
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// show is a line as it is shown, nil if it is not.
func (l *logReader) show(line []byte) []byte {
	e, err := access.Parse(line)
	if err != nil {
		if l.status != "" || l.path != "" || l.mount != "" || len(line) == 0 {
			return nil
		}
		return []byte(display.Line(string(line[:min(len(line), 4096)])) + "\n")
	}
	if e.Status < l.low || e.Status > l.high || !strings.HasPrefix(e.Path, l.path) || l.mount != "" && e.Mount != l.mount {
		return nil
	}
	var b bytes.Buffer
	color := display.Green
	switch {
	case e.Status >= 500 || e.Status == 0:
		color = display.Red
	case e.Status >= 400:
		color = display.Yellow
	case e.Status >= 300:
		color = display.Cyan
	}
	target := e.Path
	if e.Query != "" {
		target += "?" + e.Query
	}
	fmt.Fprintf(&b, "%s %s %s %s %v", l.palette.In(display.Faint, e.Time.Local().Format("2006-01-02 15:04:05")),
		l.palette.In(color, strconv.Itoa(e.Status)), display.Line(e.Method), display.Line(target),
		e.Took.Duration().Round(10*time.Microsecond))
	add := func(name, value string) {
		if value != "" {
			b.WriteString(" " + l.palette.In(display.Faint, name+"="+display.Line(value)))
		}
	}
	count := func(name string, n int64) {
		if n > 0 {
			add(name, strconv.FormatInt(n, 10))
		}
	}
	if e.Queued > 0 {
		add("queued", e.Queued.Duration().Round(10*time.Microsecond).String())
	}
	if e.Mount != "/" {
		add("app", e.Mount)
	}
	count("steps", int64(min(e.Steps, 1<<62)))
	count("pushed", int64(e.Pushed))
	count("hinted", int64(e.Hinted))
	add("error", e.Error)
	add("limit", e.Limit)
	add("at", e.Place)
	add("client", e.Client)
	add("request", e.Request)
	b.WriteByte('\n')
	return b.Bytes()
}
