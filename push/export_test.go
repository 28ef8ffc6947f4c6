package push

// Links is the lookup of the map, for tests.
func (m *Map) Links(target string) []Link { return m.links(target) }
