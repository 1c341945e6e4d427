// Package recent has a map of bounded size that forgets what was not used lately.
package recent
