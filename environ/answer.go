package environ

// A Field is a header field of a response.
type Field struct{ Name, Value string }

// A Starter is what the server's start_response is besides a function: an application that is
// written in Go answers through it with Go values, which have not to be made into a script's and
// read back.
//
// An application that is given another start_response, by middleware say, finds no Starter and
// calls it as a script would.
type Starter interface {
	// Start sets status and fields, which it keeps, as start_response(status, fields) does, and
	// fails as that does. The reason of the status is the usual one.
	Start(status int, fields []Field) error
}
