package store_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The SQLite driver works only with the very version of modernc.org/libc that its
// own go.mod names, which nothing else enforces: another dependency could raise it.
func TestDriverHasItsOwnLibc(t *testing.T) {
	t.Parallel()
	list := func(format, module string) string {
		t.Helper()
		out, err := exec.Command("go", "list", "-m", "-f", format, module).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	driver, err := os.ReadFile(list("{{.GoMod}}", "modernc.org/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	if used := list("{{.Version}}", "modernc.org/libc"); !strings.Contains(string(driver), "modernc.org/libc "+used+"\n") {
		t.Errorf("modernc.org/libc %s is used, but the driver's go.mod names another version", used)
	}
}
