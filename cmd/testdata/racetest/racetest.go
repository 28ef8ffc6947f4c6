// Package racetest keeps tests away from the detector of races that have nothing for it and take many
// times as long with it: those that measure, that look at pages, or that hand one goroutine much work.
//
// The package is for tests only. It lies below testdata so that it is neither built nor shown with
// the packages of the module.
package racetest

import "testing"

// Skip skips t under the detector. It is the first line of a test, where .ci/run finds it: it runs all that have it
// without the detector.
func Skip(t *testing.T) {
	t.Helper()
	if enabled {
		t.Skip("it runs without the detector of races: go test does so without -race, and .ci/run in a line of its own")
	}
}
