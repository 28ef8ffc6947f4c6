package h2

// The errors of Promise and Push, which tests tell apart and nobody else needs to.
var (
	ErrPushDisabled = errPushDisabled
	ErrPushLimit    = errPushLimit
	ErrPushParent   = errPushParent
)
