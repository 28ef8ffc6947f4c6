//go:build !linux || !(amd64 || arm64)

package sandbox

// Probe returns what Enter would report in a worker: nothing is enforced.
func Probe(l Limits, a Access) Report {
	var r Report
	r.add("sandbox", "workers are confined on Linux, amd64 and arm64, only")
	return r
}

// Enter confines the calling process where the system has the means, and reports that nothing is
// enforced here. It never returns an error.
func Enter(l Limits, a Access) (Report, error) { return Probe(l, a), nil }
