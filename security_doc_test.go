package gerbang

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// asvs has the sections of OWASP ASVS 5.0 and how many requirements of levels 1 and 2
// each has; those of level 3 alone come after them.
var asvs = map[string]int{
	"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
	"2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
	"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
	"4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
	"5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
	"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
	"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
	"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
	"9.1": 3, "9.2": 4,
	"10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
	"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
	"12.1": 3, "12.2": 2, "12.3": 4,
	"13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
	"14.1": 2, "14.2": 4, "14.3": 3,
	"15.1": 3, "15.2": 3, "15.3": 7,
	"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
	"17.1": 1, "17.2": 4, "17.3": 2,
}

var (
	testName    = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`")
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	requirement = regexp.MustCompile(`(?m)^\| (\d+\.\d+)\.(\d+)(?:–(\d+))? \| [^|]+ \| ([^|]+) \| [^|]+ \|$`)
)

// TestSecurityDocument holds docs/security.md against the source: the tests that it
// names exist, and it judges each requirement of the standard once.
func TestSecurityDocument(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	text, defined := string(raw), map[string]bool{}
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := os.ReadFile(name)
		for _, f := range testFunc.FindAllStringSubmatch(string(source), -1) {
			defined[f[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := testName.FindAllStringSubmatch(text, -1)
	for _, n := range named {
		if !defined[n[1]] {
			t.Errorf("there is no %s", n[1])
		}
	}
	if len(named) < 150 {
		t.Errorf("only %d tests are named", len(named))
	}

	judged, verdicts := map[string]int{}, map[string]int{}
	for _, row := range requirement.FindAllStringSubmatch(text, -1) {
		first, _ := strconv.Atoi(row[2])
		last := first
		if row[3] != "" {
			last, _ = strconv.Atoi(row[3])
		}
		for n := first; n <= last; n++ {
			judged[fmt.Sprintf("%s.%d", row[1], n)]++
			verdicts[row[4]]++
		}
	}
	for section, last := range asvs {
		for n := 1; n <= last; n++ {
			id := fmt.Sprintf("%s.%d", section, n)
			if judged[id] != 1 {
				t.Errorf("ASVS %s is judged %d times", id, judged[id])
			}
			delete(judged, id)
		}
	}
	for id := range judged {
		t.Errorf("ASVS 5.0 has no %s at level 1 or 2", id)
	}
	var counted []string
	for _, verdict := range slices.Sorted(maps.Keys(verdicts)) {
		if !slices.Contains([]string{"met", "partly", "not met", "exception", "operator", "n/a"}, verdict) {
			t.Errorf("%q is no verdict", verdict)
		}
		counted = append(counted, fmt.Sprintf("%d %s", verdicts[verdict], verdict))
	}
	if sum := strings.Join(counted, ", "); !strings.Contains(text, sum) {
		t.Errorf("the page does not say: %s", sum)
	}
}
