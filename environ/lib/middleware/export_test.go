package middleware

import (
	"time"
)

// A Limiter is what counts for rate_limit.
type Limiter = limiter

// NewLimiter returns a limiter.
func NewLimiter(n int, period time.Duration) *Limiter { return newLimiter(n, period) }

// Take counts a request.
func (l *limiter) Take(client string, now time.Time) time.Duration { return l.take(client, now) }

// Clients is how many clients are counted.
func (l *limiter) Clients() int { return len(l.clients) }

// What tests look at.
var (
	Network     = network
	ParseOrigin = parseOrigin
	Matches     = matches
	Credentials = credentials
	FieldOf     = fieldOf
	PartOf      = partOf
	MaxAge      = maxAge
	Contains    = contains
)
