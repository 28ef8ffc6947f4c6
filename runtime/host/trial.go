package host

// A Tester is a grant in place of which tests get another one: what an application does to a
// database in a test must not be done to that of its users.
type Tester interface {
	// Trial returns what tests get, made for one run of them. dir is an empty directory, which
	// is removed after the run; what needs no files leaves it alone.
	Trial(dir string) (*Trial, error)
}

// A Trial is what tests get in place of a grant. The tests of a run are run one after the other,
// each with a program that is loaded for it alone.
type Trial struct {
	// Grant is what the module is granted. It reaches nothing that the grant reaches which it
	// stands for.
	Grant any
	// Members are what @test has for the sake of the module: to say what is answered, or to look at
	// what was done. They need nothing of what @test opens.
	Members []Member
	// Begin forgets what tests before have done, before the program of the next one is loaded. Nil
	// does nothing.
	Begin func() error
	// End lets go of what it holds, after the run. Nil does nothing.
	End func() error
}
