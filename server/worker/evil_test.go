package worker_test

// evil is a worker that does what none should.
func evil(string) {}

// beFront is the process of a front.
func beFront(string) {}
