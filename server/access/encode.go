package access

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// AppendJSON appends the entry as an object, without a line's end.
func (e *Entry) AppendJSON(b []byte) []byte {
	b = append(b, `{"timestamp":"`...)
	b = e.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	severity := "INFO"
	if e.Status >= 500 || e.Status == 0 {
		severity = "ERROR"
	}
	b = append(b, `","severity_text":"`...)
	b = append(b, severity...)
	b = append(b, `","event.name":"larkspur.request"`...)
	b = text(b, "trace_id", e.Trace)
	b = text(b, "span_id", e.Parent)
	b = text(b, "http.request.method", e.Method)
	b = text(b, "url.scheme", e.Scheme)
	b = text(b, "server.address", e.Host)
	b = text(b, "url.path", e.Path)
	b = text(b, "url.query", e.Query)
	b = append(b, `,"http.response.status_code":`...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = number(b, "http.response.body.size", uint64(max(e.Bytes, 0)))
	b = text(b, "network.protocol.version", e.Version)
	b = text(b, "client.address", e.Client)
	b = text(b, "user_agent.original", e.Agent)
	b = text(b, "http.request.header.referer", e.Referer)
	b = text(b, "error.type", e.Error)
	b = float(b, "http.server.request.duration", float64(e.Took))
	b = float(b, "larkspur.queue.duration", float64(e.Queued))
	b = float(b, "larkspur.first_byte.duration", float64(e.FirstByte))
	b = float(b, "larkspur.app.duration", float64(e.Ran))
	b = number(b, "larkspur.app.steps", e.Steps)
	b = text(b, "larkspur.request.id", e.Request)
	b = text(b, "larkspur.mount", e.Mount)
	b = number(b, "larkspur.app.generation", e.Generation)
	b = text(b, "larkspur.limit", e.Limit)
	b = text(b, "larkspur.place", e.Place)
	b = number(b, "larkspur.push.promised", uint64(max(e.Pushed, 0)))
	b = number(b, "larkspur.push.hinted", uint64(max(e.Hinted, 0)))
	b = text(b, "larkspur.push.verdicts", e.Verdicts)
	b = float(b, "larkspur.sample", e.Sample)
	return append(b, '}')
}

func name(b []byte, name string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	return append(b, `":`...)
}

func text(b []byte, key, v string) []byte {
	if v == "" {
		return b
	}
	return quote(name(b, key), v, false)
}

func number(b []byte, key string, v uint64) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendUint(name(b, key), v, 10)
}

func float(b []byte, key string, v float64) []byte {
	if v <= 0 {
		return b
	}
	return strconv.AppendFloat(name(b, key), v, 'f', -1, 64)
}

// maxValue is how many bytes of a value are written: what a client sends may be long.
const maxValue = 4096

// quote appends s in quotation marks: as a string of JSON, or with \xHH for a byte that is not to be
// seen as Apache does. Nothing in it ends the line, or steers a terminal.
func quote(b []byte, s string, apache bool) []byte {
	const digits = "0123456789abcdef"
	cut := len(s) > maxValue
	if cut {
		s = s[:maxValue]
	}
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		r, n := rune(c), 1
		if c >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case n == 1 && c >= utf8.RuneSelf && !apache:
			b = append(b, `\ufffd`...) // it is not UTF-8
		case c >= ' ' && c < 0x7f, n > 1 && unicode.IsPrint(r):
			b = append(b, s[i:i+n]...)
		case apache:
			for _, c := range []byte(s[i : i+n]) {
				b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
			}
		case r > 0xffff:
			b = append(b, `\ufffd`...)
		default:
			b = append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
		}
		i += n
	}
	if cut {
		b = append(b, "..."...)
	}
	return append(b, '"')
}

// AppendCombined appends the entry in the combined format, without a line's end.
func (e *Entry) AppendCombined(b []byte) []byte {
	b = append(b, bare(e.Client)...)
	b = append(b, " - - ["...)
	b = e.Time.AppendFormat(b, "02/Jan/2006:15:04:05 -0700")
	b = append(b, "] "...)
	b = quote(b, e.Method+" "+e.target()+" HTTP/"+e.Version, true)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, ' ')
	if e.Bytes > 0 {
		b = strconv.AppendInt(b, e.Bytes, 10)
	} else {
		b = append(b, '-')
	}
	b = append(b, ' ')
	b = quote(b, orDash(e.Referer), true)
	b = append(b, ' ')
	return quote(b, orDash(e.Agent), true)
}

// bare is what stands without quotation marks.
func bare(s string) string {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' {
			return "-"
		}
	}
	return orDash(s)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
