package h2_test

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frame is what the client has read: one frame, or a header block with its CONTINUATION frames, or
// the end of the connection. Tests compare its String.
type frame struct {
	kind     http2.FrameType
	id       uint32
	end      bool                // END_STREAM
	ack      bool                // SETTINGS and PING
	fields   []hpack.HeaderField // HEADERS and PUSH_PROMISE
	pieces   int                 // of the header block: 1 without CONTINUATION
	block    []byte              // the header block as it came
	data     []byte              // DATA, PING, or the debug data of GOAWAY
	code     http2.ErrCode       // RST_STREAM and GOAWAY
	last     uint32              // GOAWAY
	promised uint32              // PUSH_PROMISE
	credit   uint32              // WINDOW_UPDATE
	settings []http2.Setting
	gone     error // the connection ended; nothing else is set
}

// field returns the value of the first field of that name.
func (f frame) field(name string) string {
	for _, h := range f.fields {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// String gives the frame as tests write it:
//
//	HEADERS 1 END :status=200 content-length=0
//	DATA 1 END "hello"
//	DATA 1 70000 bytes
//	PUSH_PROMISE 1 2 :method=GET :path=/style.css
//	RST_STREAM 1 CANCEL
//	GOAWAY 5 NO_ERROR
//	PING ACK "12345678"
//	EOF
//
// The date field is left out; regular fields are sorted by name, pseudo-header fields stay where they came.
func (f frame) String() string {
	if f.gone != nil {
		return "EOF"
	}
	words := []string{f.kind.String()}
	if f.id != 0 {
		words = append(words, fmt.Sprint(f.id))
	}
	if f.end {
		words = append(words, "END")
	}
	if f.ack {
		words = append(words, "ACK")
	}
	switch f.kind {
	case http2.FrameHeaders:
		words = append(words, fieldWords(f.fields)...)
	case http2.FramePushPromise:
		words = append(words, fmt.Sprint(f.promised))
		words = append(words, fieldWords(f.fields)...)
	case http2.FrameData, http2.FramePing:
		if len(f.data) > 60 {
			words = append(words, fmt.Sprint(len(f.data)), "bytes")
		} else {
			words = append(words, fmt.Sprintf("%q", f.data))
		}
	case http2.FrameRSTStream:
		words = append(words, f.code.String())
	case http2.FrameGoAway:
		words = append(words, fmt.Sprint(f.last), f.code.String())
	case http2.FrameWindowUpdate:
		words = append(words, fmt.Sprint(f.credit))
	case http2.FrameSettings:
		for _, s := range f.settings {
			words = append(words, fmt.Sprintf("%v=%d", s.ID, s.Val))
		}
	}
	return strings.Join(words, " ")
}

func fieldWords(fields []hpack.HeaderField) []string {
	var pseudo, regular []string
	for _, h := range fields {
		value := h.Value
		if value == "" || strings.ContainsAny(value, " |") {
			value = fmt.Sprintf("%q", value)
		}
		switch {
		case h.IsPseudo():
			if len(regular) > 0 {
				pseudo = append(pseudo, "MISPLACED")
			}
			pseudo = append(pseudo, h.Name+"="+value)
		case h.Name != "date":
			regular = append(regular, h.Name+"="+value)
		}
	}
	slices.SortStableFunc(regular, func(a, b string) int {
		nameA, _, _ := strings.Cut(a, "=")
		nameB, _, _ := strings.Cut(b, "=")
		return strings.Compare(nameA, nameB)
	})
	return append(pseudo, regular...)
}

// alike reports whether got is the frame that want describes. In want a "*" stands for one word,
// "..." at the end for any more, and " | " separates frames of which each will do.
func alike(want, got string) bool {
	for alternative := range strings.SplitSeq(want, " | ") {
		if alikeWords(strings.Fields(alternative), strings.Fields(got)) {
			return true
		}
	}
	return false
}

func alikeWords(want, got []string) bool {
	for i, w := range want {
		if w == "..." && i == len(want)-1 {
			return true
		}
		if i >= len(got) || w != "*" && w != got[i] {
			return false
		}
	}
	return len(want) == len(got)
}

// merge joins a DATA frame to the one before it: how a body is cut into frames is the server's affair.
func merge(frames []frame, f frame) []frame {
	if n := len(frames); f.kind == http2.FrameData && f.gone == nil && n > 0 {
		if l := &frames[n-1]; l.gone == nil && l.kind == http2.FrameData && l.id == f.id && !l.end {
			l.data, l.end = append(slices.Clip(l.data), f.data...), f.end
			return frames
		}
	}
	return append(frames, f)
}

func transcript(frames []frame) string {
	var b strings.Builder
	for _, f := range frames {
		b.WriteString("\n\t")
		b.WriteString(f.String())
	}
	if b.Len() == 0 {
		return " nothing"
	}
	return b.String()
}
