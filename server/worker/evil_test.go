package worker_test

// evil is a worker that does what none should.
func evil(string) {}
