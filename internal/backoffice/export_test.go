package backoffice

// Patterns are those of all routes, so that a test can prove that it knows each.
func Patterns() (all []string) {
	for _, rt := range routes {
		all = append(all, rt.pattern)
	}
	return all
}
