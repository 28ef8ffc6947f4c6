package push

import (
	"log/slog"
	"strconv"
)

// A Source is where a candidate comes from.
type Source string

// The sources.
const (
	FromCall Source = "call" // an explicit call
	FromLink Source = "link" // a Link field of the final response
	FromHint Source = "hint" // a Link field of an early hint
	FromMap  Source = "map"  // the map of resources for the request
)

// A Status is what became of a candidate.
type Status string

// The statuses.
const (
	Promised Status = "promised" // the client is told that the response comes, and it comes
	Hinted   Status = "hinted"   // a 103 told the client to fetch it
	Linked   Status = "linked"   // the Link field of the page tells the client to fetch it
	Skipped  Status = "skipped"  // nothing was done, for the reason of the verdict

	// Forwarded is the status in a backend: the front in another process decides.
	Forwarded Status = "forwarded"
)

// A Reason is why a candidate was not promised.
type Reason string

// The reasons.
const (
	NoPush      Reason = "nopush"      // its link says so
	Anchor      Reason = "anchor"      // its link is about another resource than the page
	Foreign     Reason = "foreign"     // it is of another origin, or outside the mount
	Self        Reason = "self"        // it is the page
	Diary       Reason = "diary"       // the client has it
	Limit       Reason = "limit"       // the client, or the server, allows no more
	Budget      Reason = "budget"      // it has more bytes than may be sent unasked
	BadStatus   Reason = "status"      // the page's status is an error, or 304
	Method      Reason = "method"      // the page was not asked for by GET
	Disabled    Reason = "disabled"    // the client, or the server, wants no promises
	Invalid     Reason = "invalid"     // it is no URI reference, or an ambiguous one
	Unverified  Reason = "unverified"  // its answer is not fit: no 200, not cacheable, too slow
	Conditional Reason = "conditional" // its link holds for some clients only
	Personal    Reason = "personal"    // its answer was made from what says who asks
)

// A Verdict is what was decided about one candidate, and why.
type Verdict struct {
	Source   Source
	Method   string // of the promised request; GET if empty
	Target   string // resolved against the page, or as it was written where that was not possible
	Status   Status
	Reason   Reason // why it was not promised; empty if it was
	Detail   string // in words, where the reason does not say all
	Critical bool   // it goes before the page
	Bytes    int64  // of the body that was promised
}

// String returns the verdict in a line: "/a.css: skipped: diary (link)".
func (v Verdict) String() string {
	s := v.Target + ": " + v.Outcome() + " (" + string(v.Source) + ")"
	if v.Method != "" {
		s = v.Method + " " + s
	}
	if v.Detail != "" {
		s += ": " + v.Detail
	}
	return s
}

// Outcome returns the status, and the reason if the candidate was skipped: "skipped: diary", say.
func (v Verdict) Outcome() string {
	if v.Status == Skipped {
		return string(v.Status) + ": " + string(v.Reason)
	}
	return string(v.Status)
}

// LogValue makes a group of the verdict.
func (v Verdict) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs, slog.String("target", v.Target), slog.String("source", string(v.Source)),
		slog.String("status", string(v.Status)))
	if v.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(v.Reason)))
	}
	if v.Detail != "" {
		attrs = append(attrs, slog.String("detail", v.Detail))
	}
	if v.Status == Promised {
		attrs = append(attrs, slog.String("bytes", strconv.FormatInt(v.Bytes, 10)))
	}
	return slog.GroupValue(attrs...)
}
